import AllocationCounter
import Cache
import Testing

@Suite("Allocations of the policies")
struct PolicyAllocationTests {
  @Test("A hit allocates nothing, and neither does a replacement", arguments: PolicyKind.allCases)
  func none(kind: PolicyKind) {
    var policy = ChosenPolicy<UInt64>(kind, budget: 1000)
    func request(_ key: UInt64) {
      policy.recordAccess(key)
      guard !policy.contains(key) else { return }
      policy.insert(key, weight: 1, cost: 1)
      while policy.usedBytes > policy.budget, let victim = policy.victim() {
        policy.remove(victim, reason: .evicted)
      }
    }
    // Long enough for tables, ghosts and heaps to have their size.
    for i: UInt64 in 0..<20_000 { request(i % 1500) }
    for _ in 0..<3 { for key: UInt64 in 0..<500 { request(key) } }
    let residents = (0..<1500 as Range<UInt64>).filter { policy.contains($0) }
    allocation_counter_start()
    for _ in 0..<100 { for key in residents { request(key) } }
    let hits = allocation_counter_stop()
    #expect(hits == 0)
    allocation_counter_start()
    for i: UInt64 in 0..<100_000 { request(i % 1500) }
    let replacements = allocation_counter_stop()
    #expect(replacements == 0)
  }
}
