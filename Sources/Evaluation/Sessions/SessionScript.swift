internal import Generation

/// What somebody asks in a long chat: questions of a few kinds and lengths, drawn by chance.
package struct SessionScript: Sendable {
  private var random: SeededGenerator

  package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  private static let beings = [
    "fox", "owl", "bear", "hare", "hedgehog", "duck", "goat", "mouse", "heron", "squirrel",
  ]
  private static let places = [
    "forest", "garden", "village", "old mill", "valley", "harbour", "orchard", "meadow",
  ]
  private static let things = [
    "lantern", "basket", "violin", "blue kite", "map", "bell", "golden key", "boat",
  ]
  private static let names = ["Anna", "Tom", "Lily", "Ben", "Mia", "Jack", "Rosa", "Sam"]

  /// BEING, PLACE, THING and NAME stand for one of the words above.
  private static let templates = [
    "What does the BEING eat in the PLACE?",
    "Where does the BEING of the PLACE sleep when it rains?",
    "Tell me a short story about a BEING and a THING.",
    "My friend NAME found a THING near the PLACE. Who could have lost it there?",
    "Remember this: NAME keeps the THING in the PLACE, and nobody but the BEING knows of it.",
    "Who knows where the THING is?",
    "NAME says that the BEING took the THING from the PLACE in the night, while all the others were asleep. Do you think that this is true?",
    "Why?",
    "What happened then in the PLACE?",
    "Do a BEING and a BEING get along?",
  ]

  /// The next question.
  package mutating func next() -> String {
    var question: [String] = []
    for word in Self.templates.randomElement(using: &random)!.split(separator: " ") {
      let slot = word.prefix { $0.isUppercase && $0.isASCII }
      let words: [String]? =
        switch slot {
        case "BEING": Self.beings
        case "PLACE": Self.places
        case "THING": Self.things
        case "NAME": Self.names
        default: nil
        }
      question.append(
        words.map { $0.randomElement(using: &random)! + word.dropFirst(slot.count) }
          ?? String(word))
    }
    return question.joined(separator: " ")
  }

  /// Questions until `measure` finds enough in them: one text.
  package mutating func text(until isLongEnough: (String) throws -> Bool) rethrows -> String {
    var text = next()
    while try !isLongEnough(text) { text += " " + next() }
    return text
  }
}
