extension Scheduler {
  /// What a running request does in a pass.
  enum Role: Sendable { case reading, decoding }

  /// A request. Without references, so that a look at it costs nothing.
  struct Entry: Sendable {
    var id: UInt64
    /// The place of its namespace's account.
    var account: Int
    var priority: Priority
    /// Nil: the place is free.
    var phase: RequestPhase?
    var rowsLeft: Int
    var expectedTokens: Int?
    var generated = 0
    /// Rows read and tokens generated.
    var served = 0
    var blocks: Int
    var deadline: UInt64?
    var hasDemand: Bool
    var mayPark = false
    /// Numbers of its arrival and its beginning.
    var arrival: Int
    var beginning = 0
    /// The pass since which it waits for what comes next; without demand, since when it has none.
    var since: Int
    /// The pass whose plan it was last part of.
    var stepped = -1
    /// Not parked before so much has been served.
    var protection = 0
    /// Without demand for so long that its place is free.
    var isLongIdle = false
    /// The pass in which blocks were kept for it, because it is due.
    var reserved = -1
    /// What it shares, and the prefixes' version of which that is true.
    var shared = 0
    var sharedVersion = -1

    var isWaiting: Bool { hasDemand && (phase == .queued || phase == .parked) }

    func can(_ role: Role) -> Bool {
      hasDemand && phase == .running && (rowsLeft > 0) == (role == .reading)
    }

    var isProtected: Bool { served < protection }
    /// Tokens still to be expected, at least one; nil: unknown.
    var expectedLeft: Int? { expectedTokens.map { max(1, $0 - generated) } }
  }

  // MARK: - Changing phase

  /// Brings a request into another phase, or out of the table, and with it all that is counted.
  mutating func move(_ place: Int, to phase: RequestPhase?) {
    let old = entries[place].phase
    count(place, old, -1)
    removeFromList(place)
    entries[place].phase = phase
    entries[place].since = pass
    count(place, phase, 1)
    appendToList(place)
    let held = old?.holdsBlocks ?? false
    let holds = phase?.holdsBlocks ?? false
    if holds, !held { prefixes.insert(chains[place]) }
    if held, !holds { prefixes.remove(chains[place]) }
    if held, !holds || phase == .parking, old != .parking, !entries[place].isLongIdle {
      departures += 1
    }
    if phase != .running { entries[place].isLongIdle = false }
  }

  private mutating func count(_ place: Int, _ phase: RequestPhase?, _ change: Int) {
    guard let phase else { return }
    if phase.holdsBlocks { heldBlocks += change * entries[place].blocks }
    if phase.isMoving { movingCount += change }
    if phase == .parking { parkingBlocks += change * entries[place].blocks }
    if phase == .queued { queuedCount += change }
  }

  mutating func removeFromList(_ place: Int) {
    guard let phase = entries[place].phase else { return }
    let priority = entries[place].priority
    if phase.holdsBlocks {
      guard let position = begun[priority].firstIndex(of: place) else {
        preconditionFailure("A request that has begun is not in its list.")
      }
      begun[priority].remove(at: position)
    } else {
      guard let position = queues[priority].firstIndex(of: place) else {
        preconditionFailure("A waiting request is not in its queue.")
      }
      queues[priority].remove(at: position)
    }
  }

  mutating func appendToList(_ place: Int) {
    guard let phase = entries[place].phase else { return }
    if phase.holdsBlocks {
      begun[entries[place].priority].append(place)
    } else {
      queues[entries[place].priority].append(place)
    }
  }

  /// Forgets a request.
  mutating func remove(_ place: Int) {
    move(place, to: nil)
    if leader == entries[place].id { leader = nil }
    index[entries[place].id] = nil
    namespaces.leave(entries[place].account)
    chains[place] = []
    freePlaces.append(place)
  }

  /// Begins its waiting anew, behind those that wait already.
  mutating func waitAnew(_ place: Int) {
    removeFromList(place)
    entries[place].since = pass
    appendToList(place)
  }
}
