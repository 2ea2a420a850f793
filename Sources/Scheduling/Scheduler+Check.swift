/// Looking at the state.
extension Scheduler {
  /// Recounts everything that is kept as a number or twice.
  ///
  /// - Returns: a sentence for each difference; none unless there is a defect.
  package func violations() -> [String] {
    var found: [String] = []
    func expect(_ isTrue: Bool, _ message: @autoclosure () -> String) {
      if !isTrue { found.append(message()) }
    }
    var (known, held, parking, moving, queued) = (0, 0, 0, 0, 0)
    var requests = Array(repeating: 0, count: namespaces.accounts.count)
    var counts: [UInt64: Int] = [:]
    var listed = Array(repeating: 0, count: entries.count)
    for priority in Priority.allCases {
      for place in queues[priority] {
        listed[place] += 1
        let phase = entries[place].phase
        expect(phase == .queued || phase == .parked, "place \(place) is queued and has begun")
        expect(entries[place].priority == priority, "place \(place) is in another's queue")
      }
      for place in begun[priority] {
        listed[place] += 1
        expect(entries[place].phase?.holdsBlocks == true, "place \(place) has not begun")
        expect(entries[place].priority == priority, "place \(place) is in another's list")
      }
      expectOrder(queues[priority], \.isWaiting, priority, &found)
      expectOrder(begun[priority], { $0.can(.reading) }, priority, &found)
      expectOrder(begun[priority], { $0.can(.decoding) }, priority, &found)
    }
    for (place, entry) in entries.enumerated() {
      guard let phase = entry.phase else {
        expect(listed[place] == 0, "the free place \(place) is in a list")
        continue
      }
      known += 1
      expect(listed[place] == 1, "place \(place) is in \(listed[place]) lists")
      expect(index[entry.id] == place, "the index leads to another place than \(place)")
      expect(entry.rowsLeft >= 0, "place \(place) has \(entry.rowsLeft) rows left")
      expect(entry.since <= pass, "place \(place) waits since the future")
      expect(!entry.isLongIdle || phase == .running, "place \(place) is idle and \(phase)")
      expect((entry.deadline ?? .max) >= earliestDeadline, "place \(place) has an earlier deadline")
      held += phase.holdsBlocks ? entry.blocks : 0
      parking += phase == .parking ? entry.blocks : 0
      moving += phase.isMoving ? 1 : 0
      queued += phase == .queued ? 1 : 0
      requests[entry.account] += 1
      if phase.holdsBlocks {
        for prefix in chains[place] { counts[prefix, default: 0] += 1 }
      }
    }
    expect(known == index.count, "\(known) requests, and \(index.count) in the index")
    expect(known + freePlaces.count == entries.count, "places of requests")
    expect(held <= blockBudget, "\(held) blocks are held of \(blockBudget)")
    expect(held == heldBlocks, "\(held) blocks are held, not \(heldBlocks)")
    expect(parking == parkingBlocks, "\(parking) blocks are on their way out, not \(parkingBlocks)")
    expect(moving == movingCount, "\(moving) requests are moving, not \(movingCount)")
    expect(queued == queuedCount, "\(queued) requests are queued, not \(queuedCount)")
    expect(counts == prefixes.counts, "the prefixes of those that hold blocks")
    for (place, account) in namespaces.accounts.enumerated() {
      expect(account.requests == requests[place], "the requests of a namespace")
    }
    expect(width >= 1, "the width is \(width)")
    return found
  }

  private func expectOrder(
    _ list: [Int], _ isMeant: (Entry) -> Bool, _ priority: Priority, _ found: inout [String]
  ) {
    var last = Int.min
    for place in list where isMeant(entries[place]) {
      if entries[place].since < last {
        found.append("a list of \(priority) requests is not in order")
      }
      last = entries[place].since
    }
  }
}
