/// From where on a text counts as gone wrong.
///
/// The bounds are such that what people write does not: lists, tables and code repeat their marks and their
/// indentation, but seldom 64 tokens of them that are exactly alike in a row. What reaches them all the same, a
/// rule of 64 equal dashes, a zero matrix of 32 columns, a refrain sung three times, is told.
package struct QualityOptions: Sendable, Equatable {
  /// How often the same tokens have to come in a row.
  package var repetitions = 3
  /// Tokens that all repetitions have together.
  package var leastLoop = 64
  /// The most tokens that come again, a multiple of 16.
  package var longestPeriod = 256

  /// Tokens from one measurement of entropy to the next.
  package var interval = 8
  /// Tokens whose mean entropy counts, a multiple of the interval.
  package var stretch = 128
  /// The mean below which it has collapsed, in nats.
  package var collapse: Float = 0.02
  /// The mean above which it has exploded, as a share of pure chance, ln(vocabulary). A small model on a text
  /// of a kind that it does not know gets to 0.63.
  package var explosion: Float = 0.7

  /// Times the median length that make a reply endless.
  package var lengthFactor = 4
  /// Tokens below which none is.
  package var leastLength = 256
  /// Replies that have to be known before there is a median.
  package var leastReplies = 8

  package init() {}
}
