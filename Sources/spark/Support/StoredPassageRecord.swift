import FoundationEssentials
import Generation

/// A passage that memory keeps, as JSON and in lines.
struct StoredPassageRecord: Encodable {
  var id: String
  var namespace: String
  var session: String
  var turn: Int
  var block: Int
  /// Seconds since 1970.
  var time: Int64
  var tokens: Int
  /// Missing when a part of it is gone.
  var place: RecalledPassage.Place?
  var score: Float?
  var previous: String?
  var next: [String]?
  var text: String

  init(_ passage: StoredPassage, score: Float? = nil) {
    id = passage.id
    namespace = passage.namespace
    session = passage.session
    turn = passage.turn
    block = passage.block
    time = passage.time
    tokens = passage.tokens.count
    place = passage.place
    self.score = score
    text = passage.text
  }

  /// The id's beginning, what it weighs and where it is from; its text below.
  var entry: String {
    let weight = score.map { "  \(Double($0).inTenths) nats" } ?? ""
    return "\(id.prefix(12))\(weight)  \(origin)\n    \(oneLine(text))\n"
  }

  var origin: String {
    let age = max(0, Int64(Date.now.timeIntervalSince1970) - time)
    return "session \(visible(Array(session.utf8))), block \(block + 1), turn \(turn + 1), "
      + "\(age.asSpan) ago, \(place?.rawValue ?? "incomplete")"
  }
}

extension Int64 {
  /// A number of seconds, as `3 min`.
  var asSpan: String {
    switch self {
    case ..<120: "\(self) s"
    case ..<7200: "\(self / 60) min"
    case ..<172_800: "\(self / 3600) h"
    default: "\(self / 86_400) days"
    }
  }
}
