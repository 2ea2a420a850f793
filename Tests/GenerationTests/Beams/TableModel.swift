import Foundation
import Generation
import Model

/// A made-up model: what follows a text is drawn once for each text, from a seed.
struct TableModel {
  let seed: UInt64
  let vocabulary: Int
  let ends: Set<TokenID>
  /// How far apart log-probabilities are; 0: all tokens are equally likely.
  var spread = 2.0

  /// The log-probabilities of all tokens behind `text`.
  func logProbabilities(behind text: [TokenID]) -> [Double] {
    let hash = text.reduce(seed &+ 1) { ($0 &+ UInt64($1) &+ 7) &* 0x9e37_79b9_7f4a_7c15 }
    var random = SeededGenerator(seed: hash)
    let logits = (0..<vocabulary).map { _ in spread * Double(random.nextUnit()) * 2 }
    let total = logits.reduce(0) { $0 + exp($1) }
    return logits.map { $0 - log(total) }
  }

  func candidates(behind text: [TokenID], _ count: Int) -> [LikelyToken] {
    let all = logProbabilities(behind: text).enumerated().map {
      LikelyToken(token: TokenID($0.offset), logProbability: $0.element)
    }
    let sorted = all.sorted { ($1.logProbability, $0.token) < ($0.logProbability, $1.token) }
    return Array(sorted.prefix(count))
  }

  /// Every reply of at most `limit` tokens, with its log-probability: those that end, and those that are
  /// cut off.
  func replies(limit: Int) -> [(tokens: [TokenID], logProbability: Double)] {
    var (open, replies) = (
      [(tokens: [TokenID](), logProbability: 0.0)], [(tokens: [TokenID], logProbability: Double)]()
    )
    for length in 1...limit {
      var longer: [(tokens: [TokenID], logProbability: Double)] = []
      for beginning in open {
        for (token, logProbability) in logProbabilities(behind: beginning.tokens).enumerated() {
          let next = (
            tokens: beginning.tokens + [TokenID(token)],
            logProbability: beginning.logProbability + logProbability
          )
          if ends.contains(TokenID(token)) || length == limit {
            replies.append(next)
          } else {
            longer.append(next)
          }
        }
      }
      open = longer
    }
    return replies
  }

  /// Runs a search to its end.
  ///
  /// - Parameter body: called after each step.
  func search(
    _ options: BeamOptions, limit: Int, _ body: (BeamSearch, BeamSearch.Step) -> Void = { _, _ in }
  ) -> BeamSearch {
    var search = BeamSearch(options, limit: limit)
    while !search.isOver {
      let texts = search.beams.map { search.tree.tokens(to: $0.node) }
      let step = search.advance(
        texts.map { text in
          search.candidates(ends: ends.contains) { candidates(behind: text, $0) }
        },
        ends: { _, token in ends.contains(token) ? .endOfText : nil })
      body(search, step)
    }
    return search
  }

  func greedy(limit: Int) -> [TokenID] {
    var text: [TokenID] = []
    while text.count < limit, text.last.map({ !ends.contains($0) }) ?? true {
      text.append(candidates(behind: text, 1)[0].token)
    }
    return text
  }
}
