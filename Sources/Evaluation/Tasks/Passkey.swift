internal import Generation

/// The passkey task: a number hidden in repeated sentences (Mohtashami & Jaggi 2023,
/// arXiv:2305.16300, in the words of Quest's and llama.cpp's versions).
///
/// Nearly every model finds it at the length it was made for, and blocks of the same sentences make
/// a novel one easy to tell: `niah` is the harder sibling.
package struct Passkey: Sendable, Equatable {
  package static let task =
    "There is an important info hidden inside a lot of irrelevant text. Find it and memorize them. "
    + "I will quiz you about the important information there."
  package static let garbage =
    "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
  package static let question = "What is the pass key? The pass key is"

  package var key: Int
  /// How often the irrelevant sentences stand before and after the key.
  package var before: Int
  package var after: Int

  package init(key: Int, before: Int, after: Int) {
    (self.key, self.before, self.after) = (key, before, after)
  }

  package var text: String {
    func garbage(_ count: Int) -> [String] {
      count > 0 ? [Array(repeating: Self.garbage, count: count).joined(separator: " ")] : []
    }
    let needle = "The pass key is \(key). Remember it. \(key) is the pass key."
    return ([Self.task] + garbage(before) + [needle] + garbage(after) + [Self.question])
      .joined(separator: "\n")
  }

  /// The same key with little around it.
  package var near: Passkey { Passkey(key: key, before: min(before, 2), after: min(after, 2)) }
}

/// Passkeys of several lengths at several depths.
package struct PasskeyTask: Sendable {
  /// Tokens of the whole prompt.
  package var lengths: [Int]
  /// Where the key stands, in percent of the irrelevant text.
  package var depths: [Int]
  /// Keys for each length and depth.
  package var repetitions: Int
  package var seed: UInt64

  package init(lengths: [Int], depths: [Int], repetitions: Int, seed: UInt64) {
    self.lengths = lengths
    self.depths = depths
    self.repetitions = repetitions
    self.seed = seed
  }

  /// - Parameter tokens: how many tokens a text has.
  package func questions(countingTokens tokens: (String) -> Int) -> [Question] {
    let empty = tokens(Passkey(key: 50_000, before: 1, after: 1).text)
    // Measured over several, for the first of a line and those that follow it differ.
    let unit = Double(tokens(Passkey(key: 50_000, before: 1, after: 9).text) - empty) / 8
    return lengths.flatMap { length in
      depths.flatMap { depth in
        (0..<repetitions).map { repetition in
          var random = SeededGenerator(seed: seed, for: length, depth, repetition)
          let units = max(2, Int(Double(length - empty) / unit) + 2)
          let before = (units * depth + 50) / 100
          let passkey = Passkey(
            key: Int.random(in: 1...50_000, using: &random), before: before, after: units - before)
          return Question(
            id: "passkey-\(length)-\(depth)-\(repetition)", kind: "passkey",
            bucket: Bucket(tokens: length), depth: depth,
            distance: Int(Double(units - before) * unit), expected: ["\(passkey.key)"],
            judge: .firstInteger, maxTokens: 10,
            prompt: { .text($0 == .near ? passkey.near.text : passkey.text) })
        }
      }
    }
  }
}
