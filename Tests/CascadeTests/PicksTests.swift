import Cascade
import TestSupport
import Testing

@Suite("Picks")
struct PicksTests {
  private func list(_ picks: borrowing Picks) -> [[Float]] {
    (0..<picks.count).map { describe(picks[$0]) }
  }

  private func describe(_ pick: Pick) -> [Float] {
    [Float(pick.block), pick.isPast ? 1 : 0, pick.score]
  }

  /// Few scores, so that many are equal.
  private func offers(_ random: inout SeededGenerator) -> [Pick] {
    (0..<random.count(0...40)).map { block in
      Pick(
        block: Int32(block), isPast: Bool.random(using: &random),
        score: [-.infinity, -1, 0, 0.5, 1, 2, 3, .infinity].randomElement(using: &random)!)
    }
  }

  @Test(
    "The best of those offered stay, the first of equals before the later",
    arguments: 0..<200 as Range<UInt64>)
  func best(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var picks = Picks(capacity: random.count(0...12))
    // Twice: a room that has been emptied is as good as a new one.
    for _ in 0..<2 {
      picks.removeAll()
      var offered: [Pick] = []
      for pick in offers(&random) {
        picks.offer(pick)
        offered.append(pick)
        // Swift's sort is stable.
        let sorted = offered.sorted { $0.score > $1.score }.prefix(picks.capacity)
        #expect(list(picks) == sorted.map(describe))
      }
    }
  }

  @Test(
    "In the order of time the past comes first, and blocks by number",
    arguments: 0..<200 as Range<UInt64>)
  func time(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var picks = Picks(capacity: random.count(0...12))
    for pick in offers(&random).shuffled(using: &random) { picks.offer(pick) }
    let before = list(picks)
    picks.sortByTime()
    #expect(list(picks) == before.sorted { $0[1] != $1[1] ? $0[1] > $1[1] : $0[0] < $1[0] })
  }

  @Test("A pick can be changed in place, and no room takes nothing")
  func edges() {
    var none = Picks(capacity: 0)
    none.offer(Pick(block: 1, isPast: false, score: .infinity))
    none.sortByTime()
    #expect(none.count == 0)
    var one = Picks(capacity: 1)
    one.offer(Pick(block: 1, isPast: false, score: 1))
    one[0].score = 5
    one.offer(Pick(block: 2, isPast: false, score: 4))
    #expect(list(one) == [[1, 0, 5]])
  }
}
