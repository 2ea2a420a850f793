package import Generation

/// Something to ask a model, and how its reply is judged.
package struct Question: Sendable {
  /// Names the question in every arm's trials.
  package var id: String
  /// The task's own word for what is asked, such as `mk-1` or `pet`.
  package var kind: String
  /// The row of the table in which it counts.
  package var bucket: Bucket
  /// Where in the text the answer stands, in percent; nil where that is not laid out.
  package var depth: Int?
  /// Tokens from the answer to the question; nil where it is not measured.
  package var distance: Int?
  /// What the model reads. Made when asked for: a hundred long texts at once would be gigabytes.
  package var prompt: @Sendable (Arm.View) -> Prompt
  package var expected: [String]
  package var judge: Judge
  /// The most tokens that a reply may have.
  package var maxTokens: Int

  package init(
    id: String, kind: String, bucket: Bucket, depth: Int? = nil, distance: Int? = nil,
    expected: [String], judge: Judge, maxTokens: Int,
    prompt: @escaping @Sendable (Arm.View) -> Prompt
  ) {
    self.id = id
    self.kind = kind
    self.bucket = bucket
    self.depth = depth
    self.distance = distance
    self.expected = expected
    self.judge = judge
    self.maxTokens = maxTokens
    self.prompt = prompt
  }

  /// The share of what was expected that the reply tells, 0...1; 1 is correct.
  package func score(_ reply: String) -> Double { judge.score(reply, expected: expected) }
}

/// Questions that are counted together.
package struct Bucket: Sendable, Hashable, Comparable {
  package var name: String
  /// What rows are ordered by, and a chart's abscissa; nil stands below all others.
  package var tokens: Int?

  package init(name: String, tokens: Int?) { (self.name, self.tokens) = (name, tokens) }

  package init(tokens: Int) { self.init(name: "\(tokens)", tokens: tokens) }

  package static func < (a: Bucket, b: Bucket) -> Bool {
    (a.tokens ?? .max, a.name) < (b.tokens ?? .max, b.name)
  }
}

/// How a reply is judged.
package enum Judge: String, Sendable {
  /// The first run of digits is the number expected (Mohtashami & Jaggi 2023, arXiv:2305.16300).
  case firstInteger
  /// Each expected text appears as words of their own, whatever their case; their share is the score
  /// (RULER's recall, Hsieh et al. 2024, arXiv:2404.06654).
  case contains

  package func score(_ reply: String, expected: [String]) -> Double {
    switch self {
    case .firstInteger:
      let digits = reply.drop { !$0.isASCIIDigit }.prefix { $0.isASCIIDigit }
      return expected.contains(String(digits)) ? 1 : 0
    case .contains:
      let words = Words(reply)
      let found = expected.count { words.contains(Words($0)) }
      return expected.isEmpty ? 0 : Double(found) / Double(expected.count)
    }
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
