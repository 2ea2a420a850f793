/// How frames are compressed. What a coder writes is read by coders with the same dictionary,
/// whatever their other options.
package struct FrameCodingOptions: Sendable, Hashable {
  /// Effort of zstd, 1...19.
  package var level: Int
  /// A zstd dictionary that writer and reader share; empty for none.
  package var dictionary: [UInt8]

  package init(level: Int = 1, dictionary: [UInt8] = []) {
    self.level = level
    self.dictionary = dictionary
  }
}
