/// Where a record lies.
struct RecordPlace: Hashable, Sendable {
  /// The segment's number.
  var segment: Int
  var offset: Int
  var byteCount: Int
}
