import AllocationCounter
import Scheduling
import Testing

@Suite("A steady state")
struct SteadyTests {
  @Test("Planning allocates nothing while the same requests decode and others wait")
  func allocations() {
    var limits = SchedulerLimits()
    limits.ageing = 1_000_000
    var scheduler = Scheduler(width: 64, blockBudget: 64, limits: limits)
    for id in 0..<1064 as Range<UInt64> {
      let answer = scheduler.submit(
        Request(
          id: id, namespace: id % 5, promptRows: 0, expectedTokens: Int(id), blocks: 1,
          prefix: [id % 3, id % 7]))
      #expect(answer == .queued || id >= 1024)
      if id == 63 {
        var plan = PassPlan()
        scheduler.plan(at: 0, into: &plan)
      }
    }
    var plan = PassPlan()
    // A width below the number of decodes makes them take turns.
    for width in [64, 40] {
      scheduler.setWidth(width)
      for _ in 0..<3 { scheduler.plan(at: 0, into: &plan) }
      allocation_counter_start()
      for _ in 0..<100 {
        scheduler.plan(at: 0, into: &plan)
        for id in plan.decode { scheduler.token(id) }
      }
      let count = allocation_counter_stop()
      #expect(count == 0)
      #expect(plan.decode.count == width)
    }
  }
}
