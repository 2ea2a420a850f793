import Cache
import TestSupport
import Testing

/// What a tier that uses a policy believes, kept in the simplest way.
private struct Model {
  var weights: [UInt64: Int] = [:]
  var pins: [UInt64: Int] = [:]
}

@Suite("Every policy, under random operations")
struct PolicyPropertyTests {
  private static let seeds: [UInt64] = Array(1...12)

  /// Runs `operations` random ones, checking after each that the policy agrees with a recount.
  private func check(
    _ policy: consuming some EvictionPolicy<UInt64>, seed: UInt64, operations: Int
  ) {
    var policy = policy
    var random = SeededGenerator(seed: seed)
    var model = Model()
    for step in 0..<operations {
      let key = UInt64.random(in: 0..<150, using: &random)
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<75: request(key, &policy, &model, &random)
      case 75..<82 where model.pins.count < 5:
        policy.pin(key)
        if model.weights[key] != nil { model.pins[key, default: 0] += 1 }
      case 82..<90:
        policy.unpin(key)
        if let pins = model.pins[key] { model.pins[key] = pins > 1 ? pins - 1 : nil }
      case 90..<94:
        policy.remove(key, reason: .invalidated)
        (model.weights[key], model.pins[key]) = (nil, nil)
      case 94..<96: policy.budget = Int.random(in: 0...4000, using: &random)
      default: break
      }
      evict(&policy, &model)
      #expect(policy.count == model.weights.count, "seed \(seed), step \(step)")
      #expect(policy.usedBytes == model.weights.values.reduce(0, +), "seed \(seed), step \(step)")
      #expect(
        policy.contains(key) == (model.weights[key] != nil), "seed \(seed), step \(step)")
    }
  }

  private func request(
    _ key: UInt64, _ policy: inout some EvictionPolicy<UInt64>, _ model: inout Model,
    _ random: inout SeededGenerator
  ) {
    policy.recordAccess(key)
    guard !policy.contains(key) else { return }
    let weight = Int.random(in: 1...(key % 10 == 0 ? 5000 : 200), using: &random)
    let cost = Double.random(in: 0...100, using: &random)
    guard policy.admits(key, weight: weight, cost: cost) else { return }
    #expect(weight <= policy.budget)
    policy.insert(key, weight: weight, cost: cost)
    model.weights[key] = weight
  }

  /// The caller's loop; everything that may not be told of a victim is checked on the way.
  private func evict(_ policy: inout some EvictionPolicy<UInt64>, _ model: inout Model) {
    while policy.usedBytes > policy.budget {
      guard let victim = policy.victim() else {
        // Only what is pinned may stay above the budget.
        #expect(model.weights.keys.allSatisfy { model.pins[$0] != nil })
        return
      }
      #expect(policy.victim() == victim)
      #expect(model.weights[victim] != nil)
      #expect(model.pins[victim] == nil)
      policy.remove(victim, reason: .evicted)
      #expect(!policy.contains(victim))
      model.weights[victim] = nil
    }
  }

  @Test(
    "agrees with a recount, spares what is pinned, and ends within its budget", arguments: seeds)
  func recount(seed: UInt64) {
    for kind in PolicyKind.allCases {
      check(ChosenPolicy(kind, budget: 3000), seed: seed, operations: 4000)
    }
    check(WTinyLFU(budget: 3000, window: .fixed(0.3)), seed: seed, operations: 4000)
  }

  @Test("can be emptied, one victim after another", arguments: PolicyKind.allCases)
  func emptying(kind: PolicyKind) {
    var policy = ChosenPolicy<UInt64>(kind, budget: 100)
    for key: UInt64 in 0..<100 {
      policy.recordAccess(key)
      policy.insert(key, weight: 1, cost: 1)
    }
    var gone: Set<UInt64> = []
    while let victim = policy.victim() {
      #expect(gone.insert(victim).inserted)
      policy.remove(victim, reason: .evicted)
    }
    #expect(gone.count == 100)
    #expect(policy.count == 0 && policy.usedBytes == 0)
  }

  @Test("never admits what is heavier than the budget", arguments: PolicyKind.allCases)
  func tooHeavy(kind: PolicyKind) {
    var policy = ChosenPolicy<UInt64>(kind, budget: 100)
    let answers = [101, 100].map { policy.admits(1, weight: $0, cost: 1) }
    policy.budget = 99
    let afterwards = policy.admits(1, weight: 100, cost: 1)
    #expect(answers == [false, true] && !afterwards)
  }

  @Test("has no victim while all is pinned, and one after an unpin", arguments: PolicyKind.allCases)
  func pinning(kind: PolicyKind) {
    var policy = ChosenPolicy<UInt64>(kind, budget: 100)
    for key: UInt64 in 0..<3 {
      policy.insert(key, weight: 10, cost: 1)
      policy.pin(key)
    }
    policy.pin(1)
    policy.unpin(1)
    let none = policy.victim()
    #expect(none == nil)
    policy.unpin(1)
    let one = policy.victim()
    #expect(one == 1)
  }
}
