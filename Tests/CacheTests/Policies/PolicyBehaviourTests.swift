import Cache
import Testing

@Suite("What tells the policies apart")
struct PolicyBehaviourTests {
  /// As a tier does; whether it was a hit.
  @discardableResult
  private func request(
    _ key: UInt64, weight: Int = 1, cost: Double = 1, _ policy: inout some EvictionPolicy<UInt64>
  ) -> Bool {
    policy.recordAccess(key)
    if policy.contains(key) { return true }
    policy.insert(key, weight: weight, cost: cost)
    while policy.usedBytes > policy.budget, let victim = policy.victim() {
      policy.remove(victim, reason: .evicted)
    }
    return false
  }

  @Test("LRU lets the one go that was used longest ago, and a pin counts as use")
  func lru() {
    var policy = LRU<UInt64>(budget: 3)
    for key: UInt64 in 1...3 { request(key, &policy) }
    request(1, &policy)
    #expect(policy.victim() == 2)
    policy.pin(2)
    #expect(policy.victim() == 3)
    policy.unpin(2)
    request(4, &policy)
    #expect(policy.victim() == 1)
  }

  @Test("S3-FIFO lets a ghost straight into the main queue, past which newcomers flow")
  func ghosts() {
    var policy = S3FIFO<UInt64>(budget: 20)
    for key: UInt64 in 0..<40 { request(key, &policy) }
    let ghost: UInt64 = 30
    let isGone = !policy.contains(ghost)
    #expect(isGone)
    request(ghost, &policy)
    // Many more one-hit wonders than the small queue holds.
    for key: UInt64 in 100..<110 { request(key, &policy) }
    let isKept = policy.contains(ghost)
    #expect(isKept)
  }

  @Test("An invalidated key is no ghost: it comes back as a newcomer")
  func invalidatedGhost() {
    func survives(invalidated: Bool) -> Bool {
      var policy = S3FIFO<UInt64>(budget: 20)
      for key: UInt64 in 0..<40 { request(key, &policy) }
      if invalidated { policy.remove(30, reason: .invalidated) }
      request(30, &policy)
      for key: UInt64 in 100..<110 { request(key, &policy) }
      return policy.contains(30)
    }
    #expect(survives(invalidated: false))
    #expect(!survives(invalidated: true))
  }

  @Test("W-TinyLFU declines what was asked for less often than what it would replace")
  func contest() {
    var policy = WTinyLFU<UInt64>(budget: 100, window: .fixed(0.01))
    for _ in 0..<3 { for key: UInt64 in 0..<100 { request(key, &policy) } }
    for key: UInt64 in 1000..<1100 { request(key, &policy) }
    let kept = (0..<100 as Range<UInt64>).filter { policy.contains($0) }
    // The one that is missing made room in the window.
    #expect(kept.count == 99)
    // Asked for often enough, it is let in.
    for _ in 0..<6 { request(2000, &policy) }
    request(2001, &policy)
    let isAdmitted = policy.contains(2000)
    #expect(isAdmitted)
  }

  @Test("W-TinyLFU forgets how often an invalidated key was asked for")
  func invalidatedFrequency() {
    func survives(invalidated: Bool) -> Bool {
      var policy = WTinyLFU<UInt64>(budget: 100, window: .fixed(0.01))
      for _ in 0..<3 { for key: UInt64 in 0..<100 { request(key, &policy) } }
      for _ in 0..<6 { policy.recordAccess(2000) }
      if invalidated { policy.remove(2000, reason: .invalidated) }
      request(2000, &policy)
      request(2001, &policy)
      return policy.contains(2000)
    }
    #expect(survives(invalidated: false))
    #expect(!survives(invalidated: true))
  }

  @Test("GDSF keeps what is dear, light and popular, in this proportion")
  func value() {
    var policy = GDSF<UInt64>(budget: 1000)
    request(1, weight: 100, cost: 50, &policy)  // 0.5
    request(2, weight: 10, cost: 10, &policy)  // 1
    request(3, weight: 100, cost: 30, &policy)  // 0.3, twice: 0.6
    request(3, weight: 100, cost: 30, &policy)
    request(4, weight: 1, cost: 100, &policy)
    var order: [UInt64] = []
    while let victim = policy.victim() {
      order.append(victim)
      policy.remove(victim, reason: .evicted)
    }
    #expect(order == [1, 3, 2, 4])
  }

  @Test("GDSF's clock lets newcomers outlive what was popular once")
  func clock() {
    var policy = GDSF<UInt64>(budget: 10)
    for _ in 0..<50 { request(1, &policy) }
    for key: UInt64 in 100..<1100 { request(key, &policy) }
    let isKept = policy.contains(1)
    #expect(!isKept)
  }

  @Test("GDSF does not drop at once what it has just taken in")
  func grace() {
    var policy = GDSF<UInt64>(budget: 10)
    for _ in 0..<5 { for key: UInt64 in 0..<10 { request(key, &policy) } }
    request(100, &policy)
    let isKept = policy.contains(100)
    #expect(isKept)
  }
}
