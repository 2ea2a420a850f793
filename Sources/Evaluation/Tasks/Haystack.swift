internal import Generation

/// Text without a meaning for the question, a sentence at a time.
package enum Haystack: Sendable, Equatable {
  /// The passkey task's sentences, again and again.
  case repeated
  /// A text's sentences in their order, begun anew where they end.
  case text([String])
  /// Made-up sentences that rarely repeat.
  case synthetic

  /// - Throws: if the text has no sentence.
  package init(text: String) throws(EvaluationError) {
    let sentences = text.split(whereSeparator: \.isNewline)
      .flatMap { $0.sentences.map(String.init) }
    guard !sentences.isEmpty else { throw EvaluationError("the haystack's text is empty.") }
    self = .text(sentences)
  }

  /// Its sentences, without an end.
  func sentences(seed: UInt64) -> some IteratorProtocol<String> {
    var random = SeededGenerator(seed: seed)
    var index: Int
    switch self {
    case .text(let sentences): index = Int.random(in: sentences.indices, using: &random)
    default: index = 0
    }
    return AnyIterator {
      defer { index += 1 }
      switch self {
      case .repeated: return Passkey.garbage
      case .text(let sentences): return sentences[index % sentences.count]
      case .synthetic: return Vocabulary.sentence(using: &random)
      }
    }
  }
}

/// Words that made-up texts, keys and names are drawn from.
enum Vocabulary {
  static let adjectives = [
    "amber", "brave", "calm", "distant", "early", "famous", "gentle", "hollow", "icy", "jolly",
    "keen", "lonely", "mellow", "narrow", "odd", "patient", "quiet", "rusty", "silent", "tidy",
    "useful", "velvet", "wooden", "young", "zealous", "bitter", "curious", "dusty", "eager",
    "faint",
  ]
  static let nouns = [
    "anchor", "basket", "castle", "drummer", "engine", "farmer", "garden", "harbour", "island",
    "jacket", "kettle", "lantern", "meadow", "needle", "orchard", "painter", "quarry", "river",
    "saddle", "tailor", "umbrella", "valley", "wagon", "yard", "bridge", "candle", "doctor",
    "fiddle",
    "goose", "hammer",
  ]
  private static let verbs = [
    "carried", "followed", "watched", "painted", "forgot", "mended", "found", "sold", "hid",
    "described", "borrowed", "liked",
  ]
  private static let places = [
    "by the sea", "in the morning", "after the rain", "near the old mill", "on a Sunday",
    "behind the house", "without a word", "at the market", "before winter came", "in the north",
  ]

  static func sentence(using random: inout SeededGenerator) -> String {
    func pick(_ words: [String]) -> String { words.randomElement(using: &random)! }
    return "The \(pick(adjectives)) \(pick(nouns)) \(pick(verbs)) the \(pick(adjectives)) "
      + "\(pick(nouns)) \(pick(places))."
  }

  /// A key of two words, such as `amber-kettle`.
  static func key(using random: inout SeededGenerator) -> String {
    "\(adjectives.randomElement(using: &random)!)-\(nouns.randomElement(using: &random)!)"
  }

  /// Seven digits, the first not 0.
  static func number(using random: inout SeededGenerator) -> String {
    "\(Int.random(in: 1_000_000...9_999_999, using: &random))"
  }

  /// A random UUID, version 4.
  static func uuid(using random: inout SeededGenerator) -> String {
    let digits = Array("0123456789abcdef")
    return String(
      "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".map { character in
        switch character {
        case "x": digits[Int.random(in: 0..<16, using: &random)]
        case "y": digits[Int.random(in: 8..<12, using: &random)]
        default: character
        }
      })
  }

  /// Five capital letters.
  static func variable(using random: inout SeededGenerator) -> String {
    String((0..<5).map { _ in "ABCDEFGHIJKLMNOPQRSTUVWXYZ".randomElement(using: &random)! })
  }

  /// `count` different results of `make`.
  static func distinct(
    _ count: Int, using random: inout SeededGenerator,
    _ make: (inout SeededGenerator) -> String
  ) -> [String] {
    var known: Set<String> = []
    var all: [String] = []
    while all.count < count {
      let next = make(&random)
      if known.insert(next).inserted { all.append(next) }
    }
    return all
  }
}
