/// Where a record lies.
package struct RecordPlace: Hashable, Sendable {
  /// The segment's number.
  package var segment: Int
  package var offset: Int
  package var byteCount: Int

  package init(segment: Int, offset: Int, byteCount: Int) {
    self.segment = segment
    self.offset = offset
    self.byteCount = byteCount
  }
}
