internal import Glibc
package import Model

/// Which beginnings of a reply go on: beam search as a value, which is told what each beam might say next
/// and answers which beams fork, go on and end.
///
/// Of all continuations of a group's beams, the best in the order of log-probability go on. One that
/// ends is kept with its score if it is among as many as the group has beams, and takes no beam's place.
/// Equals go in the order of their token, then of their beam, so that results never depend on how
/// anything was computed.
///
/// With `limit` tokens at most, a beam of log-probability P, which only falls, can come to score
/// P / limit^α at best: it is negative, and counts least over the greatest length. That bound says when
/// a search is certain, and which tokens can be told before it has ended.
package struct BeamSearch: Sendable {
  /// A beginning that goes on.
  package struct Beam: Sendable, Equatable {
    package let group: Int
    package let logProbability: Double
    /// Its last token in ``tree``.
    package let node: Int
  }

  /// A beam with one token more.
  package struct Extension: Sendable, Equatable {
    /// Which of the beams before the step.
    package let parent: Int
    package let token: TokenID
    package let node: Int
  }

  /// A reply that has ended.
  package struct Ending: Sendable, Equatable {
    package let node: Int
    package let logProbability: Double
    package let score: Double
    package let stopReason: StopReason
  }

  /// What a step comes to.
  package struct Step: Sendable, Equatable {
    /// Where each of the search's beams now comes from.
    package var live: [Extension] = []
    /// What has ended and scores best of all that has; nil: nothing better than before.
    package var best: Extension?
  }

  private let options: BeamOptions
  /// The most tokens of a reply.
  private let limit: Int
  private let limitReason: StopReason
  package private(set) var tree = TokenTree()
  /// Those that go on; at first one for each group, all of them at the prompt's end.
  package private(set) var beams: [Beam]
  /// Tokens of each beam.
  package private(set) var length = 0
  /// What has ended, [groups], the best first.
  private var ended: [[Ending]]

  /// - Parameters:
  ///   - options: that have been validated.
  ///   - limit: the most tokens of a reply, at least 1.
  ///   - limitReason: why one of so many ends.
  package init(_ options: BeamOptions, limit: Int, limitReason: StopReason = .length) {
    precondition(limit > 0)
    self.options = options
    self.limit = limit
    self.limitReason = limitReason
    beams = (0..<options.groups).map {
      Beam(group: $0, logProbability: 0, node: TokenTree.root)
    }
    ended = Array(repeating: [], count: options.groups)
  }

  /// Whether nothing is left to go on with.
  package var isOver: Bool { beams.isEmpty }

  /// Candidates that each beam is asked for at first: of its group's beams, as many may end as go on, and
  /// all tokens of the groups before may be the worse for it.
  package var candidatesPerBeam: Int { options.width + options.groupWidth }
  /// Candidates beyond which no beam is asked for more: a beam behind which even so many end a text has
  /// next to nothing to go on with.
  package static let mostCandidates = 2048

  /// A beam's candidates: so many that a whole group could go on with them, whatever the groups before have
  /// chosen and however many of them end the text, or all there are.
  ///
  /// - Parameters:
  ///   - ends: whether the beam's reply would end with a token.
  ///   - likeliest: the beam's `count` likeliest next tokens, likeliest first, or all that are possible.
  package func candidates(
    ends: (TokenID) -> Bool, likeliest: (_ count: Int) -> [LikelyToken]
  ) -> [LikelyToken] {
    var count = candidatesPerBeam
    while true {
      let candidates = likeliest(count)
      let goingOn = candidates.count { !ends($0.token) }
      if goingOn >= options.width || candidates.count < count || count >= Self.mostCandidates {
        return candidates
      }
      count = min(2 * count, Self.mostCandidates)
    }
  }

  /// What a reply of `length` tokens scores.
  package func score(_ logProbability: Double, length: Int) -> Double {
    options.lengthPenalty == 0
      ? logProbability : logProbability / pow(Double(length), options.lengthPenalty)
  }

  /// What a beam can come to score at best.
  func bound(_ beam: Beam) -> Double { score(beam.logProbability, length: limit) }

  /// The best of what has ended; nil: nothing has.
  package var best: Ending? { ended.compactMap(\.first).inScoreOrder().first }

  /// The best replies, at most as many as are wanted: the best of each group before a second one of any,
  /// told in the order of their scores.
  package var hypotheses: [Ending] {
    var chosen: [Ending] = []
    for rank in 0..<options.groupWidth {
      let ranked = ended.compactMap { rank < $0.count ? $0[rank] : nil }
      for ending in ranked.inScoreOrder() where chosen.count < options.best {
        // Groups may come to say the same.
        if !chosen.contains(where: { isSame($0, ending) }) { chosen.append(ending) }
      }
    }
    return chosen.inScoreOrder()
  }

  private func isSame(_ a: Ending, _ b: Ending) -> Bool {
    a.logProbability == b.logProbability && tree.tokens(to: a.node) == tree.tokens(to: b.node)
  }

  // MARK: - Going on

  /// Takes the next step.
  ///
  /// - Parameters:
  ///   - candidates: for each beam its likeliest next tokens, likeliest first, as many as
  ///     ``candidates(ends:likeliest:)`` asks for.
  ///   - ends: whether, and why, a beam's reply would end with a token.
  package mutating func advance(
    _ candidates: [[LikelyToken]], ends: (_ beam: Int, _ token: TokenID) -> StopReason?
  ) -> Step {
    precondition(candidates.count == beams.count && !isOver)
    let before = beams
    length += 1
    beams = []
    var step = Step()
    var chosen: [TokenID: Int] = [:]
    for group in 0..<options.groups {
      let taken = step.live.count
      let ranked = ranked(group, of: before, candidates, apartFrom: chosen)
      for token in take(group, from: ranked, before, ends: ends, into: &step) {
        chosen[token, default: 0] += 1
      }
      if isSettled(group) {
        step.live.removeLast(step.live.count - taken)
        beams.removeLast(beams.count - taken)
      }
    }
    return step
  }

  /// A candidate in its group's order.
  private struct Ranked {
    var beam: Int
    var token: TokenID
    var logProbability: Double
    /// With what it loses for being like others.
    var rank: Double
  }

  private func ranked(
    _ group: Int, of beams: [Beam], _ candidates: [[LikelyToken]],
    apartFrom chosen: [TokenID: Int]
  ) -> [Ranked] {
    var ranked: [Ranked] = []
    for (number, beam) in beams.enumerated() where beam.group == group {
      for candidate in candidates[number] {
        let total = beam.logProbability + candidate.logProbability
        let likeness = Double(chosen[candidate.token] ?? 0)
        ranked.append(
          Ranked(
            beam: number, token: candidate.token, logProbability: total,
            rank: likeness > 0 ? total - options.diversityPenalty * likeness : total))
      }
    }
    // A total order: a beam has a token once.
    ranked.sort { ($1.rank, $0.token, $0.beam) < ($0.rank, $1.token, $1.beam) }
    return ranked
  }

  /// Lets the best of a group's candidates go on, and keeps what ends among them.
  ///
  /// - Returns: the tokens of both.
  private mutating func take(
    _ group: Int, from ranked: [Ranked], _ before: [Beam],
    ends: (_ beam: Int, _ token: TokenID) -> StopReason?, into step: inout Step
  ) -> [TokenID] {
    let width = options.groupWidth
    var taken = 0
    var tokens: [TokenID] = []
    for (place, candidate) in ranked.enumerated() {
      if taken == width { break }
      let reason = ends(candidate.beam, candidate.token) ?? (length == limit ? limitReason : nil)
      // What ends further down would only have gone on because others ended.
      if reason != nil, place >= width, length < limit { continue }
      tokens.append(candidate.token)
      let node = tree.append(candidate.token, behind: before[candidate.beam].node)
      let child = Extension(parent: candidate.beam, token: candidate.token, node: node)
      if let reason {
        let ending = Ending(
          node: node, logProbability: candidate.logProbability,
          score: score(candidate.logProbability, length: length), stopReason: reason)
        let isBest = best.map { ending.score > $0.score } ?? true
        if keep(ending, in: group), isBest { step.best = child }
        if length == limit { taken += 1 }
      } else {
        step.live.append(child)
        beams.append(
          Beam(group: group, logProbability: candidate.logProbability, node: node))
        taken += 1
      }
    }
    return tokens
  }

  /// Keeps what has ended among the best of its group; of equals, the first one.
  private mutating func keep(_ ending: Ending, in group: Int) -> Bool {
    let place = ended[group].firstIndex { $0.score < ending.score } ?? ended[group].count
    guard place < options.groupWidth else { return false }
    ended[group].insert(ending, at: place)
    if ended[group].count > options.groupWidth { ended[group].removeLast() }
    return true
  }

  private func isSettled(_ group: Int) -> Bool {
    let wanted = min(options.best, options.groupWidth)
    guard ended[group].count >= wanted else { return false }
    // With a single beam, what goes on behind an end is the second best, which is not greedy.
    if options.stopping == .first || options.groupWidth == 1 { return true }
    let worst = ended[group][wanted - 1].score
    return beams.allSatisfy { beam in
      guard beam.group == group else { return true }
      let hope =
        options.stopping == .certain ? bound(beam) : score(beam.logProbability, length: length)
      return hope <= worst
    }
  }

  // MARK: - What is certain

  /// Tokens of the reply that is found in the end, as far as they are certain: those on which all beams
  /// that can still be or become the best agree with the best that has ended.
  ///
  /// - Returns: those behind the first `count`, of which it is certain already, as nodes of the tree.
  ///   The last token of a reply is not among them before the search is over.
  package func agreed(beyond count: Int) -> [Int] {
    let best = best
    var common: Int?
    for beam in beams where best.map({ bound(beam) > $0.score }) ?? true {
      common = common.map { tree.meeting($0, beam.node) } ?? beam.node
    }
    if let best {
      common = common.map { tree.meeting($0, best.node) } ?? best.node
      if common == best.node, !isOver { common = tree.parent(of: best.node) }
    }
    return common.map { tree.path(to: $0, beyond: count) } ?? []
  }
}

extension [BeamSearch.Ending] {
  /// The best first; of equals, what ended first.
  fileprivate func inScoreOrder() -> [BeamSearch.Ending] {
    sorted { ($1.score, $0.node) < ($0.score, $1.node) }
  }
}
