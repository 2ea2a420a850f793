internal import Cache
internal import Model

/// The backward cascade's first step: where words point, in the sequence's own past and in that of other
/// sessions.
extension SequenceMemory {
  /// Where the last words before a choice of blocks point. It depends on the sequence's tokens, and from
  /// `asked` on on the past.
  func route(at view: RunView) -> Route {
    var route = Route()
    guard index != nil, view.index % plan.options.every == 0, view.index >= plan.sinks else {
      return route
    }
    let isAsked = past != nil && view.index >= asked
    guard view.firstBlock > 0 || isAsked else { return route }
    readWords(below: view.firstBlock)
    let words = latestWords(before: view.index + 1)
    var best: Float = 0
    let total = self.words.search(words, below: view.firstBlock) { block, score in
      best = max(best, score)
      route.shortlist.offer(block, score: score)
      route.offer(
        Route.Target(block: Int32(block), isPast: false, score: score), limit: plan.routed)
    }
    let gate = Gate.own(plan.options.gate, passages: view.firstBlock)
    route.isOpen = view.firstBlock > 0 && gate.admits(best, of: total)
    if route.isOpen {
      route.shortlist.complete(below: view.firstBlock)
    } else {
      route = Route()
    }
    // Layers choose the rest each for itself, among the sequence's own blocks.
    let most = min(Route.capacity, route.isOpen ? plan.rooms * 3 / 4 : plan.rooms)
    let hits = route.count
    for place in 0..<hits {
      let block = Int(route.targets[place].block)
      route.offer(
        [block > 0 ? block - 1 : nil, block + 1 < view.firstBlock ? block + 1 : nil],
        of: place, isPast: false, limit: most)
    }
    if isAsked {
      let found = pastRoute(at: view.index)
      for place in 0..<found.count { route.offer(found.targets[place], limit: most) }
    }
    if trail != nil { for place in 0..<route.count { trail!.note(route.targets[place]) } }
    return route
  }

  /// Where the question's words point among other sessions' blocks.
  ///
  /// A question is at hand as a whole when it is read, so its first tokens are shown what its last
  /// words ask for; at most a block of it counts at a time.
  private func pastRoute(at index: Int) -> Route {
    let end = min(index - asked + 1 + plan.blockLength, question.count)
    if let known = askedRoute, known.end == end { return known.route }
    let past = past!
    let words = question[max(0, end - plan.blockLength)..<end]
    let (found, total) = past.route(
      words, limit: Route.mostHits, mayRecall: mayRecall(past:))
    let gate = Gate.past(plan.options.gate, passages: past.entries.count)
    // The best one opens the door; what comes in with it is often what was asked for.
    var route = found
    if found.count == 0 || !gate.admits(found.targets[0].score, of: total) { route = Route() }
    let hits = route.count
    for place in 0..<hits {
      var neighbours = past.neighbours(of: Int(route.targets[place].block))
      for side in neighbours.indices {
        if let neighbour = neighbours[side], !mayRecall(past: neighbour) { neighbours[side] = nil }
      }
      route.offer(neighbours, of: place, isPast: true, limit: Route.capacity)
    }
    askedRoute = (end, route)
    return route
  }

  /// The words of the turn in progress and the one before it, at most a block of them.
  private func latestWords(before end: Int) -> ArraySlice<TokenID> {
    let start = max(0, end - plan.blockLength)
    var ends = 0
    for index in stride(from: end - 1, through: start, by: -1)
    where turnEnds.contains(tokens[index]) {
      ends += 1
      if ends == 2 { return tokens[index + 1..<end] }
    }
    return tokens[start..<end]
  }

  func readWords(below block: Int) {
    let length = plan.blockLength
    while words.count < block {
      words.add(tokens[words.count * length..<(words.count + 1) * length])
    }
  }
}
