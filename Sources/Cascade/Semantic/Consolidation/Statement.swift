package import Model

/// A turn of a conversation, or some sentences of a long one: what may become a gist.
package struct Statement: Sendable, Equatable {
  /// With what opens and ends the turn in its chat's format, if it has one.
  package var tokens: [TokenID]
  /// Where in `tokens` the text is.
  package var text: Range<Int>
  /// Where in the chain of passages it is from the text is.
  package var range: Range<Int>
  package var isQuestion: Bool

  package init(tokens: [TokenID], text: Range<Int>, range: Range<Int>, isQuestion: Bool) {
    self.tokens = tokens
    self.text = text
    self.range = range
    self.isQuestion = isQuestion
  }
}
