internal import Generation

/// A JSON object of random keys and values, one of which is asked for (Liu et al. 2023, "Lost in the
/// Middle", arXiv:2307.03172; InfiniteBench's KV).
package struct KeyValueTask: Sendable {
  /// What keys and values are.
  package enum Kind: String, Sendable, CaseIterable {
    /// UUIDs, as published.
    case uuid
    /// Two words and a number, which small models can copy.
    case words
  }

  /// Tokens of the whole prompt.
  package var lengths: [Int]
  /// Where the pair stands, in percent.
  package var depths: [Int]
  package var repetitions: Int
  package var kind: Kind
  package var seed: UInt64

  package init(lengths: [Int], depths: [Int], repetitions: Int, kind: Kind, seed: UInt64) {
    self.lengths = lengths
    self.depths = depths
    self.repetitions = repetitions
    self.kind = kind
    self.seed = seed
  }

  /// Pairs and the one that is asked for.
  package struct Pairs: Sendable, Equatable {
    package var pairs: [(key: String, value: String)]
    package var asked: Int

    package var text: String {
      "Extract the value corresponding to the specified key in the JSON object below.\n\n"
        + "JSON data:\n{"
        + pairs.map { "\"\($0.key)\": \"\($0.value)\"" }.joined(separator: ",\n ")
        + "}\n\nKey: \"\(pairs[asked].key)\"\nCorresponding value:"
    }

    /// The pair and its neighbours.
    package var near: Pairs {
      let range = max(0, asked - 1)..<min(pairs.count, asked + 2)
      return Pairs(pairs: Array(pairs[range]), asked: asked - range.lowerBound)
    }

    package static func == (a: Pairs, b: Pairs) -> Bool {
      a.asked == b.asked && a.pairs.elementsEqual(b.pairs, by: ==)
    }
  }

  /// - Parameter tokens: how many tokens a text has.
  package func questions(countingTokens tokens: @escaping @Sendable (String) -> Int) -> [Question] {
    // What one more pair costs, on average.
    let (few, many) = (pairs(10, depth: 0, seed: 1), pairs(60, depth: 0, seed: 1))
    let cost = max(1, Double(tokens(many.text) - tokens(few.text)) / 50)
    let frame = Double(tokens(few.text)) - 10 * cost
    return lengths.flatMap { length in
      depths.flatMap { depth in
        (0..<repetitions).map { repetition in
          let count = max(3, Int((Double(length) - frame) / cost))
          var seeds = SeededGenerator(seed: seed, for: length, depth, repetition)
          let pairs = pairs(count, depth: depth, seed: seeds.next())
          return Question(
            id: "kv-\(length)-\(depth)-\(repetition)", kind: "kv-\(kind.rawValue)",
            bucket: Bucket(tokens: length), depth: depth,
            distance: Int(Double(count - pairs.asked) * cost),
            expected: [pairs.pairs[pairs.asked].value], judge: .contains,
            maxTokens: kind == .uuid ? 64 : 16,
            prompt: { .text($0 == .near ? pairs.near.text : pairs.text) })
        }
      }
    }
  }

  package func pairs(_ count: Int, depth: Int, seed: UInt64) -> Pairs {
    var random = SeededGenerator(seed: seed)
    let keys = Vocabulary.distinct(count, using: &random) { random in
      switch kind {
      case .uuid: Vocabulary.uuid(using: &random)
      // A third part, for two words alone would run out.
      case .words:
        Vocabulary.key(using: &random) + "-" + Vocabulary.nouns.randomElement(using: &random)!
      }
    }
    let values = Vocabulary.distinct(count, using: &random) { random in
      kind == .uuid
        ? Vocabulary.uuid(using: &random) : "\(Int.random(in: 100_000...999_999, using: &random))"
    }
    return Pairs(
      pairs: zip(keys, values).map { ($0, $1) }, asked: ((count - 1) * depth + 50) / 100)
  }
}
