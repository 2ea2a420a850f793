import FoundationEssentials
import Generation

/// A recalled passage, as JSON and in a line.
struct PassageRecord: Encodable {
  var session: String
  var isConcept: Bool
  var isPast: Bool
  var turn: Int
  var block: Int
  /// Seconds between its reading and now; nil for what the run itself has read.
  var age: Int64?
  var choices: Int
  var weight: Float?
  var place: RecalledPassage.Place
  var text: String

  init(_ passage: RecalledPassage, tokenizer: Tokenizer, now: Date = .now) {
    session = passage.session
    isConcept = passage.isConcept
    isPast = passage.isPast
    turn = passage.turn
    block = passage.block
    age = passage.time.map { max(0, Int64(now.timeIntervalSince1970) - $0) }
    choices = passage.choices
    weight = passage.weight
    place = passage.place
    text = String(decoding: tokenizer.decode(passage.tokens), as: UTF8.self)
  }

  /// Without line breaks or control characters.
  var line: String {
    let words = weight.map { ", words \(Double($0).inTenths) nats" } ?? ""
    let recalled = "recalled \(choices) times from \(place.rawValue)\(words): "
    if isConcept { return recalled + "a concept, \(age?.asSpan ?? "?") old: \(oneLine(text))" }
    let origin = isPast ? "session \(session), \(age?.asSpan ?? "?") ago" : "this text"
    return recalled + "\(origin), turn \(turn + 1): \(oneLine(text))"
  }
}
