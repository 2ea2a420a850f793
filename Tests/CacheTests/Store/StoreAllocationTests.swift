import AllocationCounter
import Cache
import Testing

@Suite("Allocations of the store")
struct StoreAllocationTests {
  private typealias World = StoreWorld

  @Test(
    "Lending, giving back and prefetching frames that L1 holds allocates nothing",
    arguments: PolicyKind.allCases)
  func none(policy: PolicyKind) throws {
    var options = World.options(exactBlocks: 40)
    options.exactPolicy = policy
    options.writePolicy = .writeThroughSelective(afterHits: 2)
    let store = try World.store(options, in: nil)
    for number in 0..<32 { try store.put(number) }
    let keys = (0..<32).flatMap { number in
      (0..<World.framesPerBlock).map {
        FrameKey(block: World.identity(number), frame: UInt16($0))
      }
    }
    var missed = 0
    func step() {
      store.prefetch(keys)
      for key in keys {
        store.prefetch(key, within: .milliseconds(5))
        guard let lent = store.lend(key) else {
          missed += 1
          continue
        }
        store.giveBack(lent)
      }
    }
    step()
    allocation_counter_start()
    for _ in 0..<100 { step() }
    let calls = allocation_counter_stop()
    #expect(calls == 0)
    #expect(missed == 0)
  }

  @Test("A miss allocates nothing")
  func misses() throws {
    let store = try World.store(in: nil)
    for number in 0..<30 {
      try store.put(number)
      store.settle()
    }
    let keys = (0..<40).map { FrameKey(block: World.identity($0), frame: 1) }
    func step() -> Int {
      keys.count { key in
        guard let lent = store.lend(key) else { return true }
        store.giveBack(lent)
        return false
      }
    }
    #expect(step() > 10)
    allocation_counter_start()
    for _ in 0..<100 { _ = step() }
    let calls = allocation_counter_stop()
    #expect(calls == 0)
  }
}
