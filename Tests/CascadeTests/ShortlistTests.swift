import Cascade
import TestSupport
import Testing

@Suite("The shortlist of blocks")
struct ShortlistTests {
  @Test(
    "It holds those that score highest, then the newest, in the order of time",
    arguments: 0..<40 as Range<UInt64>)
  func best(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = Int.random(in: 0...200, using: &random)
    // Few different scores, so that there are equals; each block is offered once at most.
    let offered = (0..<limit).filter { _ in Bool.random(using: &random) }.shuffled(using: &random)
    var scores: [Int: Float] = [:]
    var shortlist = Shortlist()
    for block in offered {
      scores[block] = Float(Int.random(in: 1...6, using: &random))
      shortlist.offer(block, score: scores[block]!)
    }
    shortlist.complete(below: limit)

    let matched = offered.sorted { (scores[$0]!, $0) > (scores[$1]!, $1) }
    let others = (0..<limit).filter { scores[$0] == nil }.reversed()
    let expected = (matched + others).prefix(Shortlist.capacity).sorted()
    #expect((0..<shortlist.count).map { shortlist[$0] } == expected, "seed \(seed)")
  }
}
