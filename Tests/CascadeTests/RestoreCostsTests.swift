import Cache
import Cascade
import Testing

@Suite("When a block is taken over rather than read")
struct RestoreCostsTests {
  @Test("What was never measured is worth a try, on either side")
  func unknown() {
    var costs = RestoreCosts()
    #expect(costs.pays([Tier.disk, .packed], over: 64))
    costs.note(restoredFrom: .disk, .seconds(10))
    #expect(costs.pays([Tier.disk], over: 1))
    var other = RestoreCosts()
    other.note(read: 64, .milliseconds(1))
    #expect(other.pays([Tier.disk], over: 64))
  }

  @Test("It pays while bringing the blocks takes less time than reading the tokens")
  func breakEven() {
    var costs = RestoreCosts()
    costs.note(read: 100, .milliseconds(100))
    costs.note(restoredFrom: .disk, .milliseconds(20))
    costs.note(restoredFrom: .exact, .microseconds(100))
    // A millisecond a token: a block of 64 is worth 64 ms.
    #expect(costs.pays([Tier.disk], over: 21) && !costs.pays([Tier.disk], over: 19))
    #expect(costs.pays(Array(repeating: Tier.disk, count: 3), over: 64))
    #expect(!costs.pays(Array(repeating: Tier.disk, count: 4), over: 64))
    #expect(costs.pays(Array(repeating: Tier.exact, count: 4), over: 64))
    // A window's few blocks stand for all the tokens before them.
    #expect(costs.pays(Array(repeating: Tier.disk, count: 4), over: 1000))
  }

  @Test("What is measured later counts more than what was, and one slow block does not decide")
  func blending() {
    var costs = RestoreCosts()
    costs.note(read: 1, .milliseconds(10))
    for _ in 0..<10 { costs.note(restoredFrom: .packed, .milliseconds(1)) }
    costs.note(restoredFrom: .packed, .milliseconds(20))
    #expect(costs.pays([Tier.packed], over: 1))
    for _ in 0..<10 { costs.note(restoredFrom: .packed, .milliseconds(20)) }
    #expect(!costs.pays([Tier.packed], over: 1))
    for _ in 0..<20 { costs.note(read: 1, .milliseconds(40)) }
    #expect(costs.pays([Tier.packed], over: 1))
  }

  @Test("What was declined is tried again after a while, and each tier for itself")
  func declining() {
    var costs = RestoreCosts()
    costs.note(read: 1, .milliseconds(1))
    costs.note(restoredFrom: .disk, .seconds(2))
    costs.note(restoredFrom: .packed, .seconds(2))
    var declined = 0
    while !costs.pays([Tier.disk], over: 64), declined < 100 {
      costs.note(declined: [Tier.disk])
      declined += 1
    }
    #expect((5...20).contains(declined), "\(declined)")
    #expect(!costs.pays([Tier.packed], over: 64))
  }
}
