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
  /// Whether it is a concept's gist.
  var isConcept: Bool
  /// The passages that a concept was made of; missing for others.
  var links: [String]?
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
    isConcept = passage.isConcept
    links = passage.isConcept ? passage.links : nil
    self.score = score
    text = passage.text
  }

  /// The id's beginning, what it weighs and where it is from; its text below.
  var entry: String {
    let weight = score.map { "  \(Double($0).inTenths) nats" } ?? ""
    let links = links.map { links in
      "    of " + links.prefix(8).map { String($0.prefix(12)) }.joined(separator: ", ")
        + (links.count > 8 ? " and \(links.count - 8) more" : "") + "\n"
    }
    return "\(id.prefix(12))\(weight)  \(origin)\n    \(oneLine(text))\n\(links ?? "")"
  }

  var origin: String {
    let age = max(0, Int64(Date.now.timeIntervalSince1970) - time)
    if isConcept { return "concept, \(age.asSpan) old, \(place?.rawValue ?? "incomplete")" }
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
