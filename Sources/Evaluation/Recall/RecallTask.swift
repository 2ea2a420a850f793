package import Generation

/// Dialogues with a question about something told before, grouped by how long before.
package struct RecallTask: Sendable {
  /// Upper ends of the groups of a run at natural distances, in tokens.
  package static let buckets = [256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072]

  package var items: [RecallItem]
  /// Distances to which each dialogue is stretched, in tokens; empty: as they are.
  package var distances: [Int]
  /// The most items: of each group, or, stretched, for every distance.
  package var limit: Int
  package var filler: Filler
  package var maxTokens: Int
  package var seed: UInt64

  package init(
    items: [RecallItem], distances: [Int], limit: Int, filler: Filler, maxTokens: Int, seed: UInt64
  ) {
    self.items = items
    self.distances = distances
    self.limit = limit
    self.filler = filler
    self.maxTokens = maxTokens
    self.seed = seed
  }

  /// - Parameters:
  ///   - window: the most tokens that the shortened dialogue of the `ceiling` arm may have.
  ///   - tokens: how many tokens a conversation becomes.
  package func questions(
    window: Int, countingTokens tokens: ([ChatMessage]) throws -> Int
  ) throws -> [Question] {
    var random = SeededGenerator(seed: seed)
    let order = items.indices.shuffled(using: &random)
    var counts: [Bucket: Int] = [:]
    var questions: [Question] = []
    func add(
      _ item: RecallItem, _ index: Int, in bucket: Bucket, distance: Int?
    ) throws {
      let dialogue = item.dialogue
      var failure: (any Error)?
      let near = dialogue.near(item.fact) { shortened in
        do {
          return try tokens(shortened.messages) <= window - maxTokens
        } catch {
          failure = error
          return false
        }
      }
      if let failure { throw failure }
      let id = "recall-\(index)" + (distances.isEmpty ? "" : "-\(bucket.name)")
      questions.append(
        Question(
          id: id, kind: item.kind, bucket: bucket, distance: distance,
          expected: [item.answer], judge: .contains, maxTokens: maxTokens,
          prompt: { .chat($0 == .near ? near.messages : dialogue.messages) }))
    }
    let stretched = distances.sorted()
    var costs: [String: Int] = [:]
    var taken = 0
    for index in order {
      let item = items[index]
      guard let distance = try Self.distance(in: item, tokens) else {
        // Nothing was told, so there is no distance; whether memory makes things up is worth a row.
        let bucket = Bucket(name: "not told", tokens: nil)
        if distances.isEmpty, counts[bucket, default: 0] < limit {
          counts[bucket, default: 0] += 1
          try add(item, index, in: bucket, distance: nil)
        }
        continue
      }
      if let shortest = stretched.first {
        // The same items at every distance, so only those that can be brought to the shortest.
        guard distance <= shortest, taken < limit else { continue }
        taken += 1
        for target in stretched {
          let longer = try stretch(
            item, from: distance, to: target, index: index, costs: &costs, tokens)
          try add(
            longer, index, in: Bucket(tokens: target),
            distance: try Self.distance(in: longer, tokens))
        }
      } else {
        let end = Self.buckets.first { distance <= $0 } ?? distance
        let bucket = Bucket(name: "≤ \(end)", tokens: end)
        guard counts[bucket, default: 0] < limit else { continue }
        counts[bucket, default: 0] += 1
        try add(item, index, in: bucket, distance: distance)
      }
    }
    return questions
  }

  /// Tokens from the end of the turn that told the answer to the end of the dialogue.
  package static func distance(
    in item: RecallItem, _ tokens: ([ChatMessage]) throws -> Int
  ) throws -> Int? {
    guard let fact = item.fact else { return nil }
    return try tokens(item.dialogue.messages) - tokens(Array(item.dialogue.messages[...fact]))
  }

  /// `item` with unrelated exchanges right after the one that told the answer, until the question is
  /// at least `target` tokens away.
  ///
  /// - Parameters:
  ///   - index: the item's place in the file, from which its exchanges are drawn.
  ///   - costs: tokens that an exchange adds, by its text, kept from call to call.
  package func stretch(
    _ item: RecallItem, from distance: Int, to target: Int, index: Int,
    costs: inout [String: Int], _ tokens: ([ChatMessage]) throws -> Int
  ) throws -> RecallItem {
    guard let fact = item.fact, distance < target else { return item }
    var random = SeededGenerator(seed: seed, for: index)
    let suited = filler.suited(to: item, using: &random)
    guard !suited.isEmpty else {
      throw EvaluationError(
        "no unrelated turns are left to put between an answer and its question; "
          + "give a text with --filler.")
    }
    var missing = target - distance
    var inserted: [ChatMessage] = []
    // The same exchanges come again where the distance is longer than all of them.
    for index in 0... {
      let exchange = suited[index % suited.count]
      let cost: Int
      if let known = costs[exchange.text] {
        cost = known
      } else {
        // What one more exchange adds, without what the template puts around a conversation.
        let messages = exchange.messages
        cost = max(1, try tokens(messages + messages) - tokens(messages))
        costs[exchange.text] = cost
      }
      inserted += exchange.messages
      missing -= cost
      if missing <= 0 { break }
    }
    var item = item
    item.dialogue.messages.insert(
      contentsOf: inserted, at: item.dialogue.end(ofExchangeAt: fact))
    return item
  }
}
