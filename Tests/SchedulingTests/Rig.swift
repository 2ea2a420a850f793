import Scheduling

/// A scheduler whose rules are looked at one by one.
struct Rig {
  var scheduler: Scheduler
  private var plan = PassPlan()

  init(
    width: Int = 8, blocks: Int = 100, _ change: (inout SchedulerLimits) -> Void = { _ in }
  ) {
    var limits = SchedulerLimits()
    change(&limits)
    scheduler = Scheduler(width: width, blockBudget: blocks, limits: limits)
  }

  @discardableResult
  mutating func submit(
    _ id: UInt64, _ priority: Priority = .normal, namespace: UInt64 = 0, rows: Int = 0,
    expects tokens: Int? = nil, blocks: Int = 1, prefix: [UInt64] = [], deadline: UInt64? = nil,
    hasDemand: Bool = true
  ) -> SubmitAnswer {
    scheduler.submit(
      Request(
        id: id, namespace: namespace, priority: priority, promptRows: rows, expectedTokens: tokens,
        blocks: blocks, prefix: prefix, deadline: deadline, hasDemand: hasDemand))
  }

  mutating func next(at now: UInt64 = 0) -> PassPlan {
    scheduler.plan(at: now, into: &plan)
    return plan
  }

  /// One pass: what moves has moved, prompts are read, and each decode is given a token.
  @discardableResult
  mutating func step(at now: UInt64 = 0) -> PassPlan {
    let plan = next(at: now)
    for id in plan.park { scheduler.parked(id) }
    for id in plan.resume { scheduler.resumed(id) }
    for share in plan.prefill { scheduler.prefilled(share.id, rows: share.rows) }
    for id in plan.decode { scheduler.token(id) }
    return plan
  }

  /// The order in which waiting requests begin, one at a time, in a place that is freed each time.
  mutating func order() -> [UInt64] {
    var order: [UInt64] = []
    while true {
      let plan = next()
      guard let id = plan.admit.first else { return order }
      order += plan.admit
      scheduler.ended(id)
    }
  }
}
