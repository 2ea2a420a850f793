import Generation
import Testing

@Suite struct MemoCacheTests {
  private func key(_ number: Int) -> RequestKey {
    var random = SeededGenerator(seed: UInt64(number))
    return RequestKey(high: random.next(), low: random.next())
  }

  @Test("what it holds is what was put, within the budget, whatever happens", arguments: 1...8)
  func recount(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
    var cache = MemoCache<Int>(budget: 1000)
    var weights: [Int: Int] = [:]
    var (hits, misses) = (0, 0)
    for step in 0..<4000 {
      let number = min(below(60), below(60))
      switch below(40) {
      case 0: cache.removeAll()
      case 1: cache.budget = below(1200)
      default:
        let found = cache.peek(key(number))
        #expect(found == nil || found == number, "seed \(seed), step \(step)")
        // One in ten cannot be used.
        let isHit = found != nil && below(10) > 0
        cache.note(key(number), isHit: isHit)
        if isHit { hits += 1 } else { misses += 1 }
        if !isHit {
          #expect(cache.peek(key(number)) == nil, "seed \(seed), step \(step)")
          weights[number] = below(300) + 1
          cache.insert(key(number), number, weight: weights[number]!, cost: 1)
        }
      }
      let held = (0..<60).filter { cache.peek(key($0)) != nil }
      #expect(cache.count == held.count, "seed \(seed), step \(step)")
      #expect(
        cache.bytes == held.reduce(0) { $0 + weights[$1]! }, "seed \(seed), step \(step)")
      #expect(cache.bytes <= cache.budget, "seed \(seed), step \(step)")
    }
    #expect(cache.hits == hits && cache.misses == misses)
    #expect(hits > 100 && cache.evictions > 100)
  }

  @Test("what is asked for often stays while others pass by once")
  func frequency() {
    var cache = MemoCache<Int>(budget: 100)
    func ask(_ number: Int) {
      let isHit = cache.peek(key(number)) != nil
      cache.note(key(number), isHit: isHit)
      if !isHit { cache.insert(key(number), number, weight: 10, cost: 1) }
    }
    for round in 0..<300 {
      for number in 0..<5 { ask(number) }
      for other in 0..<5 { ask(1000 + round * 5 + other) }
    }
    for number in 0..<5 { #expect(cache.peek(key(number)) == number) }
    #expect(cache.hits >= 5 * 290)
  }

  @Test("a value larger than the budget is not kept, and none is without one")
  func tooLarge() {
    var cache = MemoCache<Int>(budget: 100)
    cache.insert(key(1), 1, weight: 60, cost: 1)
    cache.insert(key(2), 2, weight: 101, cost: 1)
    #expect(cache.peek(key(1)) == 1 && cache.peek(key(2)) == nil)
    cache.budget = 0
    #expect(cache.count == 0 && cache.bytes == 0)
    cache.insert(key(3), 3, weight: 1, cost: 1)
    #expect(cache.count == 0)
  }
}
