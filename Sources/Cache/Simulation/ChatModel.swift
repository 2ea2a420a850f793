/// Conversations as a block cache sees them.
///
/// A session begins with one of a few system prompts, which it shares with others, and reads all of
/// its blocks again in every turn, which then adds a few. Between two of its turns others have
/// theirs; now and then a session stays away for long and returns. Some sessions instead read one
/// long document, ask about it once more, and never come back. So a block at the head is asked for
/// far more often than one near the tail.
///
/// A block's weight is what its keys and values take after packing, and its cost what 64 tokens take
/// to read at its depth: a constant part, and one that grows as attention looks further back.
///
/// The shape follows what has been observed of real traffic: shared heads, few long sessions, reuse
/// that depends on the kind of request (J. Wang et al., "KVCache cache in the wild", USENIX ATC 2025).
package struct ChatModel: Sendable {
  /// Prompts, the most popular shared by about a third of the sessions.
  var systemPrompts = 12
  var systemPromptBlocks = 4...32
  /// Sessions that are under way at any time.
  var activeSessions = 24
  var meanTurns = 8.0
  var blocksPerTurn = 1...4
  /// The share of turns after which the session stays away, and for how many turns of others.
  var pauseShare = 0.1
  var pause = 100...1000
  /// The share of sessions that read a document.
  var documentShare = 0.1
  var documentBlocks = 50...250
  /// Packed bytes of a block.
  var weight = 384 << 10...768 << 10
  /// Milliseconds: of any block, and for each block before it.
  var baseCost = 120.0
  var depthCost = 1.5

  package init() {}

  private struct Session {
    var number: UInt32
    var blocks: [Trace.Request]
    var turnsLeft: Int
    /// The turn, of all sessions, from which it may go on.
    var returns = 0
  }

  func makeRequests(_ count: Int, _ random: inout TraceRandom) -> [Trace.Request] {
    var nextKey: UInt64 = 0
    func block(depth: Int) -> Trace.Request {
      defer { nextKey += 1 }
      return Trace.Request(
        key: nextKey, weight: random.next(in: weight),
        cost: baseCost + depthCost * Double(depth))
    }
    let prompts = (0..<systemPrompts).map { _ in
      (0..<random.next(in: systemPromptBlocks)).map { block(depth: $0) }
    }
    let popularity = ZipfRanks(count: systemPrompts, exponent: 1)
    var begun: UInt32 = 0
    func begin() -> Session {
      defer { begun += 1 }
      var session = Session(
        number: begun, blocks: prompts[popularity.next(&random)],
        turnsLeft: random.geometric(mean: meanTurns))
      if random.unit() < documentShare {
        let depth = session.blocks.count
        session.blocks += (0..<random.next(in: documentBlocks)).map { block(depth: depth + $0) }
        session.turnsLeft = 2
      }
      return session
    }

    var requests: [Trace.Request] = []
    var active = (0..<activeSessions).map { _ in begin() }
    var away: [Session] = []
    var turn = 0
    while requests.count < count {
      turn += 1
      if let back = away.firstIndex(where: { $0.returns <= turn }) {
        active.append(away.remove(at: back))
      }
      while active.count < activeSessions { active.append(begin()) }
      let place = random.next(in: 0...(active.count - 1))
      let depth = active[place].blocks.count
      active[place].blocks += (0..<random.next(in: blocksPerTurn)).map { block(depth: depth + $0) }
      active[place].turnsLeft -= 1
      let session = active[place]
      requests += session.blocks.map { request in
        var request = request
        request.session = session.number
        return request
      }
      if session.turnsLeft == 0 {
        active.remove(at: place)
      } else if random.unit() < pauseShare {
        active[place].returns = turn + random.next(in: pause)
        away.append(active.remove(at: place))
      }
    }
    return Array(requests.prefix(count))
  }
}
