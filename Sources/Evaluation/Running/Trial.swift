package import Generation

/// One question asked in one arm.
package struct Trial: Sendable, Encodable {
  package var event = "trial"
  package var question: String
  package var kind: String
  package var bucket: String
  /// The bucket's place; nil where it has none.
  package var length: Int?
  package var depth: Int?
  package var distance: Int?
  package var arm: String
  package var expected: [String]
  /// Nil where the arm could not be asked.
  package var reply: String?
  /// The share of what was expected that the reply told.
  package var score: Double?
  package var promptTokens: Int
  package var generatedTokens = 0
  package var evictedTokens = 0
  package var seconds = 0.0
  package var timeToFirstToken = 0.0

  package init(_ question: Question, arm: String, promptTokens: Int) {
    self.question = question.id
    kind = question.kind
    bucket = question.bucket.name
    length = question.bucket.tokens
    depth = question.depth
    distance = question.distance
    self.arm = arm
    expected = question.expected
    self.promptTokens = promptTokens
  }
}

/// A whole reply: the text of a stream and its figures.
package struct Answer: Sendable {
  package var tokens: [TokenID]
  package var text: String
  package var summary: GenerationSummary

  /// Reads `stream` to its end; throws `CancellationError` if it was cut short.
  package static func reading(_ stream: TokenStream) async throws -> Answer {
    var tokens: [TokenID] = []
    var text = ""
    for try await event in stream {
      switch event {
      case .token(let token):
        tokens.append(token.id)
        text += token.text
      case .finished(let summary):
        guard summary.stopReason != .cancelled else { throw CancellationError() }
        return Answer(tokens: tokens, text: text + summary.trailingText, summary: summary)
      }
    }
    preconditionFailure("a token stream ends with a summary")
  }
}

extension Trial {
  /// Notes the answer to `question`.
  package mutating func judge(_ answer: Answer, of question: Question) {
    reply = answer.text
    score = question.score(answer.text)
    generatedTokens = answer.summary.generatedTokens
    evictedTokens = answer.summary.evictedTokens
    seconds = (answer.summary.prefillDuration + answer.summary.decodeDuration) / .seconds(1)
    timeToFirstToken = answer.summary.timeToFirstToken / .seconds(1)
  }
}
