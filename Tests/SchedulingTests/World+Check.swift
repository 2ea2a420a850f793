import Scheduling

/// What must be true of any plan, written from the rules and not from the scheduler.
extension World {
  /// - Parameter before: what was known when the plan was asked for; now it is adopted.
  mutating func check(_ plan: PassPlan, before: [Known]) {
    checkRoles(plan, before)
    checkDeadlines(plan, before)
    checkBudget()
    checkDecoding(plan)
    checkReading(plan)
    let idle = idleOnes(before)
    checkBeginning(plan, before, idle: idle)
    checkParking(plan, idle: idle)
    checkStarvation(plan)
  }

  // MARK: - Each by itself

  private mutating func checkRoles(_ plan: PassPlan, _ before: [Known]) {
    func at(_ id: UInt64) -> Known? { before.first { $0.request.id == id } }
    var seen: [UInt64] = []
    for id in plan.expired + plan.park + plan.admit + plan.resume {
      if at(id) == nil { fail("\(id) is not known") }
      if seen.contains(id) { fail("\(id) is moved twice") }
      seen.append(id)
    }
    for id in plan.park where at(id)?.phase != .running { fail("\(id) is parked and not running") }
    for id in plan.park where at(id)?.mayPark != true {
      fail("\(id) is parked where it may not be")
    }
    for id in plan.admit where at(id)?.phase != .queued { fail("\(id) is admitted, not queued") }
    for id in plan.resume where at(id)?.phase != .parked { fail("\(id) is resumed, not parked") }
    for id in plan.admit + plan.resume where at(id)?.request.hasDemand != true {
      fail("\(id) begins without demand")
    }
    seen = []
    for id in plan.decode + plan.prefill.map(\.id) {
      if seen.contains(id) { fail("\(id) is in the pass twice") }
      seen.append(id)
    }
    for id in plan.decode where position(id).map({ known[$0].canDecode }) != true {
      fail("\(id) decodes and cannot")
    }
    for share in plan.prefill {
      guard let position = position(share.id), known[position].canRead else {
        fail("\(share.id) reads and cannot")
        continue
      }
      if !(1...known[position].rowsLeft).contains(share.rows) {
        fail("\(share.id) reads \(share.rows) of \(known[position].rowsLeft) rows")
      }
    }
  }

  private mutating func checkDeadlines(_ plan: PassPlan, _ before: [Known]) {
    let late = before.filter { !$0.isMoving && ($0.request.deadline ?? .max) <= now }
    // None is told twice, as `checkRoles` has seen.
    if late.count != plan.expired.count
      || !late.allSatisfy({ plan.expired.contains($0.request.id) })
    {
      fail("late are \(late.map(\.request.id)), told \(plan.expired)")
    }
  }

  private mutating func checkBudget() {
    let held = known.reduce(0) { $0 + ($1.holds ? $1.blocks : 0) }
    if held != scheduler.heldBlocks { fail("\(held) blocks are held, not \(scheduler.heldBlocks)") }
    if held > budget { fail("\(held) blocks are held of \(budget)") }
  }

  // MARK: - A pass

  private mutating func checkDecoding(_ plan: PassPlan) {
    let ready = known.filter(\.canDecode)
    let readers = known.contains(where: \.canRead)
    let most = min(width, limits.rows - (readers ? 1 : 0))
    // Beside what is read, only what is as urgent decodes, and what is due.
    let least = known.filter(\.canRead).map(\.priority).max() ?? .background
    let wanted = ready.filter { $0.priority >= least }
    if plan.decode.count < min(most, wanted.count) || plan.decode.count > most {
      fail("\(plan.decode.count) of \(wanted.count) decode, and \(most) could")
    }
    for one in ready where one.priority < least && plan.decode.contains(one.request.id) {
      let age = pass - one.since
      if age < limits.ageing {
        fail("a decode goes beside what is more urgent to read after \(age) passes")
      }
    }
    let skipped = ready.filter { !plan.decode.contains($0.request.id) }
    guard let urgent = skipped.map(\.priority).max() else { return }
    let taken = ready.filter { plan.decode.contains($0.request.id) }
    for priority in Priority.allCases {
      let before = taken.filter { $0.priority == priority }
      let waiting = skipped.filter { $0.priority == priority }
      // Among equals nobody is passed over for one that was served later.
      if let first = waiting.map(\.since).min(), before.contains(where: { $0.since > first }) {
        fail("a decode of \(priority) priority is out of turn")
      }
      guard priority < urgent, !before.isEmpty else { continue }
      if before.count > 1 { fail("\(before.count) decode before a more urgent one") }
      if let age = before.map({ pass - $0.since }).max(), age < limits.ageing {
        fail("a decode goes before a more urgent one after \(age) passes")
      }
    }
  }

  private mutating func checkReading(_ plan: PassPlan) {
    let ready = known.filter(\.canRead)
    let total = plan.prefill.reduce(0) { $0 + $1.rows }
    let most = min(
      limits.rows - plan.decode.count,
      plan.decode.isEmpty ? limits.prefillRowsAlone : limits.prefillRowsBesideDecodes)
    let wanted = ready.reduce(0) { $0 + $1.rowsLeft }
    if total != min(most, wanted) {
      fail("\(total) rows are read; \(most) fit, \(wanted) are left")
    }
    func given(_ reader: Known) -> Int {
      plan.prefill.first { $0.id == reader.request.id }?.rows ?? 0
    }
    let unfinished = ready.filter { given($0) < $0.rowsLeft }.map(\.priority).max()
    for reader in ready where given(reader) > 0 {
      guard let unfinished, reader.priority < unfinished else { continue }
      let age = pass - reader.since
      if age < limits.ageing { fail("a prompt goes before a more urgent one after \(age) passes") }
    }
  }

  // MARK: - Beginning and parking

  /// Who keeps no place, when a plan is asked for.
  private func idleOnes(_ before: [Known]) -> Set<UInt64> {
    let live = before.filter { $0.isMoving || ($0.request.deadline ?? .max) > now }
    let isQuiet = !live.contains { $0.isMoving || ($0.phase == .running && $0.request.hasDemand) }
    return Set(
      live.filter {
        $0.phase == .running && !$0.request.hasDemand
          && (isQuiet || pass - $0.idleSince >= limits.idlePatience)
      }.map(\.request.id))
  }

  private mutating func checkBeginning(
    _ plan: PassPlan, _ before: [Known], idle: Set<UInt64>
  ) {
    func age(_ id: UInt64) -> Int {
      pass - (before.first { $0.request.id == id }?.since ?? pass)
    }
    let isParking = known.contains { $0.phase == .parking }
    let held = known.reduce(0) { $0 + ($1.holds ? $1.blocks : 0) }
    let stuck = known.reduce(0) {
      $0 + (idle.contains($1.request.id) && !$1.mayPark && $1.phase == .running ? $1.blocks : 0)
    }
    let waiting = known.filter { $0.isWaiting && $0.blocks <= budget - stuck }
    guard let urgent = waiting.map(\.priority).max() else { return }
    for id in plan.admit + plan.resume {
      guard let begun = position(id).map({ known[$0] }) else { continue }
      if begun.priority < urgent, age(id) < limits.ageing {
        fail("\(id) begins before a more urgent one that waits")
      }
    }
    // What fits is not kept waiting, unless something that is due or being made room for needs it.
    let places = known.count {
      $0.priority >= urgent
        && ($0.phase == .resuming || ($0.phase == .running && !idle.contains($0.request.id)))
    }
    let isDue = waiting.contains { pass - $0.since >= limits.ageing }
    guard !isParking, !isDue, places < width else { return }
    for one in waiting where one.priority == urgent && one.blocks <= budget - held {
      fail("\(one.request.id) waits though there is room")
    }
  }

  private mutating func checkParking(_ plan: PassPlan, idle: Set<UInt64>) {
    guard !plan.park.isEmpty else { return }
    let wanting = known.filter {
      $0.isWaiting || plan.admit.contains($0.request.id) || plan.resume.contains($0.request.id)
    }
    let candidates = known.filter {
      $0.phase == .running && $0.mayPark && $0.blocks > 0 && !idle.contains($0.request.id)
        && $0.served >= $0.protection
    }
    for id in plan.park {
      guard let parked = position(id).map({ known[$0] }) else { continue }
      if idle.contains(id) {
        if wanting.isEmpty { fail("the idle \(id) is parked for nobody") }
        continue
      }
      if !wanting.contains(where: { $0.priority > parked.priority }) {
        fail("\(id) is parked for nobody more urgent")
      }
      if parked.served < parked.protection { fail("\(id) is parked before its quantum") }
      if candidates.contains(where: {
        ($0.priority.rawValue, -$0.beginning) < (parked.priority.rawValue, -parked.beginning)
      }) {
        fail("\(id) is parked, and a less urgent or later one is not")
      }
    }
  }

  // MARK: - Starvation

  /// The passes after which anything ready has been read or decoded: each of those before it in its priority
  /// has had a turn, one in every `ageing` passes, or two more if other priorities have theirs.
  var servingBound: Int { (mostBegun + 1) * (limits.ageing + 3) }

  private mutating func checkStarvation(_ plan: PassPlan) {
    for one in known where one.canDecode || one.canRead {
      longestUnserved = max(longestUnserved, pass - one.since)
    }
    if longestUnserved > servingBound {
      fail("something has waited \(longestUnserved) passes, and the bound is \(servingBound)")
    }
  }
}
