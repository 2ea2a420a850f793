import Cascade
import TestSupport
import Testing

@Suite("Routes")
struct RouteTests {
  @Test(
    "A route keeps the best targets; of equals the present ones, and of these the newest",
    arguments: 0..<200 as Range<UInt64>)
  func best(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = random.count(0...10)
    var route = Route()
    var offered: [Route.Target] = []
    let blocks = (0..<random.count(1...30)).shuffled(using: &random)
    for block in blocks {
      let target = Route.Target(
        block: Int32(block), isPast: Bool.random(using: &random),
        score: Float(random.count(1...4)))
      route.offer(target, limit: limit)
      offered.append(target)
      let sorted = offered.sorted {
        if $0.score != $1.score { return $0.score > $1.score }
        return $0.isPast != $1.isPast ? $1.isPast : $0.block > $1.block
      }.prefix(min(limit, Route.capacity))
      #expect(route.count == sorted.count)
      for (place, expected) in sorted.enumerated() where place < route.count {
        let found = route.targets[place]
        #expect(
          found.block == expected.block && found.isPast == expected.isPast
            && found.score == expected.score, "limit \(limit), place \(place)")
      }
    }
    for block in -1...31 {
      let isKept = (0..<route.count).contains {
        !route.targets[$0].isPast && route.targets[$0].block == Int32(block)
      }
      #expect(route.contains(block: block) == isKept)
    }
  }

  @Test("A new route points nowhere, not even to block 0")
  func empty() {
    let route = Route()
    #expect(route.count == 0 && !route.contains(block: 0))
  }
}
