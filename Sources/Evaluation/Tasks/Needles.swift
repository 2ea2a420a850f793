internal import Generation

/// Retrieval tasks of RULER (Hsieh et al. 2024, arXiv:2404.06654, table 5 and appendix B), written as
/// its published generator does; only the words that keys are made of are our own.
package enum Needle: String, Sendable, CaseIterable {
  /// A word and its number among the passkey's sentences.
  case s1 = "s-1"
  /// A word and its number in a text.
  case s2 = "s-2"
  /// A word and its UUID in a text.
  case s3 = "s-3"
  /// One of four words, each with a number, in a text.
  case mk1 = "mk-1"
  /// One of as many UUIDs as fit, each with a UUID.
  case mk3 = "mk-3"
  /// Four numbers of one word in a text.
  case mv
  /// The five names that hold a value through a chain of assignments, among the passkey's sentences.
  case vt
}

/// A needle, hidden.
package struct HiddenNeedle: Sendable, Equatable {
  package var text: String
  /// The same with little around it.
  package var near: String
  package var expected: [String]
  /// Where the (first) needle stands, in percent of the sentences around it.
  package var depth: Int
  /// The sentences that hold what is asked for.
  package var needles: [String]
}

/// RULER's tasks at several lengths.
package struct NeedleTask: Sendable {
  package var needles: [Needle]
  /// Tokens of the whole prompt.
  package var lengths: [Int]
  /// Questions of each task and length.
  package var repetitions: Int
  /// What stands for an essay.
  package var haystack: Haystack
  package var seed: UInt64

  package init(
    needles: [Needle], lengths: [Int], repetitions: Int, haystack: Haystack, seed: UInt64
  ) {
    self.needles = needles
    self.lengths = lengths
    self.repetitions = repetitions
    self.haystack = haystack
    self.seed = seed
  }

  /// - Parameter tokens: how many tokens a text has.
  package func questions(countingTokens tokens: @escaping @Sendable (String) -> Int) -> [Question] {
    needles.flatMap { needle in
      lengths.flatMap { length in
        (0..<repetitions).map { repetition in
          var seeds = SeededGenerator(seed: seed, for: length, repetition)
          let seed = seeds.next()
          let haystack = haystack
          // What is hidden is needed to judge; the text around it again and only when it is asked.
          let hidden = Self.hide(needle, length: 0, in: haystack, seed: seed, tokens)
          return Question(
            id: "\(needle.rawValue)-\(length)-\(repetition)", kind: needle.rawValue,
            bucket: Bucket(
              name: needles.count > 1 ? "\(needle.rawValue) \(length)" : "\(length)",
              tokens: length), depth: hidden.depth, expected: hidden.expected, judge: .contains,
            maxTokens: needle == .s3 || needle == .mk3 ? 64 : 48,
            prompt: { view in
              let whole = Self.hide(needle, length: length, in: haystack, seed: seed, tokens)
              return .text(view == .near ? whole.near : whole.text)
            })
        }
      }
    }
  }

  /// Hides a needle in a text of about `length` tokens, and of at least the needles themselves.
  package static func hide(
    _ needle: Needle, length: Int, in essay: Haystack, seed: UInt64, _ tokens: (String) -> Int
  ) -> HiddenNeedle {
    var random = SeededGenerator(seed: seed)
    let plan =
      needle == .vt ? Plan(tracingUsing: &random) : Plan(retrieving: needle, using: &random)
    // Drawn before the text around it, so that the same seed hides the same at every length.
    let places = plan.needles.map { _ in Double.random(in: 0..<1, using: &random) }.sorted()
    let fixed = tokens(plan.text(around: plan.needles))
    var filler: [String] = []
    if needle == .mk3 {
      var missing = length - fixed
      while missing > 0 {
        let line = Plan.line(
          "uuids", key: Vocabulary.uuid(using: &random), value: Vocabulary.uuid(using: &random))
        filler.append(line)
        missing -= tokens("\n" + line)
      }
    } else {
      var sentences = (needle == .s1 || needle == .vt ? .repeated : essay)
        .sentences(seed: random.next())
      var missing = length - fixed
      var costs: [String: Int] = [:]
      while missing > 0, let sentence = sentences.next() {
        let cost = costs[sentence] ?? max(1, tokens(" " + sentence))
        costs[sentence] = cost
        filler.append(sentence)
        missing -= cost
      }
    }
    func lines(_ filler: [String]) -> [String] {
      var lines: [String] = []
      var next = 0
      for (place, needle) in zip(places, plan.needles) {
        let end = Int(place * Double(filler.count + 1))
        lines += filler[next..<end]
        lines.append(needle)
        next = end
      }
      return lines + filler[next...]
    }
    let asked = plan.asked.map { plan.needles[$0] }
    return HiddenNeedle(
      text: plan.text(around: lines(filler)),
      near: plan.text(around: filler.prefix(1) + asked + filler.suffix(1)),
      expected: plan.expected,
      // In tens of percent, so that depths can be counted together.
      depth: Int(places[plan.asked[0]] * 10) * 10, needles: asked)
  }

  /// What is hidden and what is asked, before it is laid out.
  private struct Plan {
    var needles: [String]
    /// Those of `needles` that hold the answer.
    var asked: [Int]
    var expected: [String]
    var head: String
    var question: String
    /// Between two sentences.
    var separator = " "

    static func line(_ kind: String, key: String, value: String) -> String {
      "One of the special magic \(kind) for \(key) is: \(value)."
    }

    init(retrieving needle: Needle, using random: inout SeededGenerator) {
      let kind = needle == .s3 || needle == .mk3 ? "uuids" : "numbers"
      let keys = Vocabulary.distinct(
        needle == .mk1 ? 4 : 1, using: &random,
        needle == .mk3 ? Vocabulary.uuid : Vocabulary.key)
      let values = Vocabulary.distinct(
        max(keys.count, needle == .mv ? 4 : 1), using: &random,
        kind == "uuids" ? Vocabulary.uuid : Vocabulary.number)
      needles = values.indices.map {
        Self.line(kind, key: keys[min($0, keys.count - 1)], value: values[$0])
      }
      let target = Int.random(in: keys.indices, using: &random)
      asked = needle == .mv ? Array(needles.indices) : [target]
      expected = asked.map { values[$0] }
      let (verb, noun) = needle == .mv ? ("are all", kind) : ("is", String(kind.dropLast()))
      head =
        "\(needle == .mv ? "Some" : "A") special magic \(noun) \(needle == .mv ? "are" : "is") "
        + "hidden within the following text. Make sure to memorize it. I will quiz you about the "
        + "\(noun) afterwards."
      let subject = "special magic \(noun) for \(keys[target]) mentioned in the provided text"
      question =
        "What \(verb) the \(subject)? The \(subject) \(needle == .mv ? "are" : "is")"
      if needle == .mk3 { separator = "\n" }
    }

    /// RULER's variable tracking: one chain of four hops.
    init(tracingUsing random: inout SeededGenerator) {
      let names = Vocabulary.distinct(5, using: &random, Vocabulary.variable)
      let value = "\(Int.random(in: 10_000...99_999, using: &random))"
      needles = names.indices.map {
        "VAR \(names[$0]) = " + ($0 == 0 ? value : "VAR \(names[$0 - 1])")
      }
      asked = Array(needles.indices)
      expected = names
      head =
        "Memorize and track the chain(s) of variable assignment hidden in the following text."
      question =
        "Question: Find all variables that are assigned the value \(value) in the text above. "
        + "Answer: According to the chain(s) of variable assignment in the text above, 5 variables "
        + "are assigned the value \(value), they are:"
      separator = "\n"
    }

    func text(around lines: some Sequence<String>) -> String {
      head + "\n" + lines.joined(separator: separator) + "\n" + question
    }
  }
}
