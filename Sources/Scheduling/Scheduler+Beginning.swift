/// Who begins, and who comes back.
extension Scheduler {
  mutating func beginWaiting(into plan: inout PassPlan) {
    let reserved = beginDue(into: &plan)
    for priority in Priority.mostUrgentFirst {
      while true {
        // Whoever is less urgent has no place then either.
        guard hasPlace(priority) else { return }
        let (first, fitting) = candidates(priority, fitting: freeBlocks - reserved)
        guard let first else { break }
        if first != fitting {
          let needed = reserved + entries[first].blocks
          // While room is being made for it, its equals do not take that away.
          if makeRoom(needed, for: priority, into: &plan) { return }
          // Nothing less urgent takes what it waits for.
          guard let fitting else { return }
          begin(fitting, into: &plan)
        } else {
          begin(first, into: &plan)
        }
      }
    }
  }

  /// Whether fewer than the width have a place that are at least as urgent. Width is taken from less urgent
  /// ones without parking them first: passes go by priority, they only lose their turns.
  private func hasPlace(_ priority: Priority) -> Bool {
    var count = 0
    for other in Priority.mostUrgentFirst where other >= priority { count += active[other] }
    return count < width
  }

  /// Whether it may begin as far as its demand goes, and its size: what needs blocks that nobody can
  /// free waits apart, and holds nobody up.
  private func isCandidate(_ entry: Entry) -> Bool {
    entry.isWaiting && entry.blocks <= blockBudget - stuckBlocks
  }

  // MARK: - Age

  /// Begins those that are due, the longest waiting first; where one does not fit yet, what it needs is
  /// kept from everybody else.
  ///
  /// - Returns: blocks that are kept.
  private mutating func beginDue(into plan: inout PassPlan) -> Int {
    var reserved = 0
    var waiting = ByPriority<Int?>(repeating: nil)
    for priority in Priority.mostUrgentFirst { waiting[priority] = firstWaiting(priority) }
    while let eldest = takeDue(of: &waiting, beginningTurn) {
      let (id, priority, blocks) = (
        entries[eldest].id, entries[eldest].priority, entries[eldest].blocks
      )
      if due[priority]?.id != id { due[priority] = Due(id: id, departures: departures) }
      // The next place that becomes free is its own, however many are more urgent.
      let mayTakePlace =
        hasPlace(.background) || hasPlace(priority)
        || due[priority].map { departures > $0.departures } ?? false
      if mayTakePlace, blocks <= freeBlocks - reserved {
        due[priority] = nil
        begin(eldest, into: &plan)
      } else {
        reserved += blocks
        if blocks > freeBlocks { _ = makeRoom(reserved, for: priority, into: &plan) }
        entries[eldest].reserved = pass
      }
    }
    return reserved
  }

  /// The longest waiting one that may begin.
  private func firstWaiting(_ priority: Priority) -> Int? {
    queues[priority].first { isCandidate(entries[$0]) }
  }

  // MARK: - Order among equals

  /// The first of a priority, and the first that fits.
  private mutating func candidates(
    _ priority: Priority, fitting room: Int
  ) -> (first: Int?, fitting: Int?) {
    var (first, fitting): (Int?, Int?) = (nil, nil)
    let length = usualLength()
    for place in queues[priority]
    where isCandidate(entries[place]) && entries[place].reserved != pass {
      if entries[place].sharedVersion != prefixes.version {
        entries[place].shared = prefixes.longest(of: chains[place])
        entries[place].sharedVersion = prefixes.version
      }
      if first.map({ precedes(place, $0, length: length) }) ?? true { first = place }
      if entries[place].blocks <= room,
        fitting.map({ precedes(place, $0, length: length) }) ?? true
      {
        fitting = place
      }
    }
    return (first, fitting)
  }

  /// Which of two of the same priority begins first.
  private func precedes(_ one: Int, _ other: Int, length: Int?) -> Bool {
    func ordered<Value: Comparable>(_ a: Value, _ b: Value) -> Bool? { a == b ? nil : a < b }
    func distance(_ entry: Entry) -> Int {
      guard let length else { return 0 }
      // Who does not say how long it will be is no better than any that does.
      guard let left = entry.expectedLeft else { return Int.bitWidth }
      return abs(octave(left) - length)
    }
    // Who has waited long is not passed over any more for what suits better.
    func aged(_ disadvantage: Int, _ entry: Entry) -> Int {
      max(0, disadvantage - (pass - entry.since) / limits.groupingPatience)
    }
    let (a, b) = (entries[one], entries[other])
    return ordered(a.deadline ?? .max, b.deadline ?? .max)
      ?? ordered(a.phase == .parked ? 0 : 1, b.phase == .parked ? 0 : 1)
      ?? ordered(b.shared, a.shared)
      ?? ordered(aged(distance(a), a), aged(distance(b), b))
      ?? ordered(namespaces.served(a.account), namespaces.served(b.account))
      ?? ordered(aged(octave(a.rowsLeft), a), aged(octave(b.rowsLeft), b))
      ?? (a.arrival < b.arrival)
  }

  /// How long those that run will be, in octaves; nil: nobody says.
  private func usualLength() -> Int? {
    var (sum, count) = (0, 0)
    for priority in Priority.mostUrgentFirst {
      for place in begun[priority] where entries[place].phase != .parking {
        guard let left = entries[place].expectedLeft else { continue }
        sum += left
        count += 1
      }
    }
    return count > 0 ? octave(sum / count) : nil
  }

  /// Lengths that differ by less than a factor of two are much the same.
  private func octave(_ count: Int) -> Int { Int.bitWidth - count.leadingZeroBitCount }

  // MARK: - Beginning

  private mutating func begin(_ place: Int, into plan: inout PassPlan) {
    let priority = entries[place].priority
    if firstWaiting(priority) == place { beginningTurn[priority] = pass }
    // Who has waited long gets something done before it has to go again.
    if pass - entries[place].since >= limits.ageing {
      entries[place].protection = entries[place].served + limits.quantum
    }
    if !hasPlace(.background) { makePlace(for: priority, into: &plan) }
    if entries[place].phase == .parked {
      plan.resume.append(entries[place].id)
      move(place, to: .resuming)
    } else {
      plan.admit.append(entries[place].id)
      beginnings += 1
      entries[place].beginning = beginnings
      move(place, to: .running)
      if entries[place].can(.reading) { readers += 1 }
    }
    active[priority] += 1
  }
}
