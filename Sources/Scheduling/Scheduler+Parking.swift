/// Who is parked, and for whom.
extension Scheduler {
  /// Parks less urgent and idle ones until `needed` blocks are free or on their way.
  ///
  /// It begins only when all that could be parked, now or when they come to a place where they may be,
  /// would make enough room: nobody is parked in vain.
  ///
  /// - Returns: whether blocks are on their way.
  mutating func makeRoom(
    _ needed: Int, for priority: Priority, into plan: inout PassPlan
  ) -> Bool {
    func missing(_ scheduler: borrowing Scheduler) -> Int {
      needed - scheduler.freeBlocks - scheduler.parkingBlocks
    }
    func mayGiveWay(_ entry: Entry) -> Bool {
      isIdle(entry) ? entry.mayPark : entry.priority < priority && !entry.isProtected
    }
    guard missing(self) > 0 else { return true }
    var room = 0
    for lower in Priority.allCases {
      for place in begun[lower]
      where entries[place].phase == .running && mayGiveWay(entries[place]) {
        room += entries[place].blocks
      }
    }
    guard room >= missing(self) else { return parkingBlocks > 0 }
    while missing(self) > 0,
      let victim = victim(where: { mayGiveWay($0) && $0.blocks > 0 })
    {
      park(victim, into: &plan)
    }
    return parkingBlocks > 0
  }

  /// Parks a less urgent one that has a place, if one may be parked. Otherwise it keeps its blocks and loses its
  /// turns only.
  mutating func makePlace(for priority: Priority, into plan: inout PassPlan) {
    if let victim = victim(where: {
      $0.priority < priority && !$0.isProtected && !isIdle($0)
    }) {
      park(victim, into: &plan)
    }
  }

  /// The one to be parked next: idle ones first, protected ones last, then the least urgent, then the most
  /// recently begun.
  private func victim(where isAllowed: (Entry) -> Bool) -> Int? {
    var best: Int?
    for priority in Priority.allCases {
      for place in begun[priority] {
        let entry = entries[place]
        guard entry.phase == .running, entry.mayPark, isAllowed(entry) else { continue }
        guard let other = best.map({ entries[$0] }) else {
          best = place
          continue
        }
        func rank(_ entry: Entry) -> (Int, Int, Int, Int) {
          (
            isIdle(entry) ? 0 : 1, entry.isProtected ? 1 : 0, entry.priority.rawValue,
            -entry.beginning
          )
        }
        if rank(entry) < rank(other) { best = place }
      }
    }
    return best
  }

  private mutating func park(_ place: Int, into plan: inout PassPlan) {
    plan.park.append(entries[place].id)
    if !isIdle(entries[place]) { active[entries[place].priority] -= 1 }
    if entries[place].can(.reading) { readers -= 1 }
    if leader == entries[place].id { leader = nil }
    move(place, to: .parking)
  }
}
