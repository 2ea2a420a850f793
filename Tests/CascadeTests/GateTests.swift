import Cascade
import Testing

@Suite("The gate")
struct GateTests {
  @Test("With nothing remembered yet, 5 nats open one's own past and 11 that of other sessions")
  func empty() {
    #expect(Gate.own(1, passages: 0) == Gate(weight: 5, share: 0.2))
    #expect(Gate.past(1, passages: 0) == Gate(weight: 11, share: 0.25))
  }

  @Test("e times as many passages, beside those assumed, ask for one nat more")
  func growth() {
    let few = Gate.past(1, passages: 800).weight
    let many = Gate.past(1, passages: Int((1000 * 2.718281828).rounded()) - 200).weight
    #expect(abs(many - few - 1) < 0.001)
    #expect(Gate.own(1, passages: 16_000).share > Gate.own(1, passages: 1000).share)
  }

  @Test("It wants both the weight and the share")
  func both() {
    let gate = Gate(weight: 5, share: 0.25)
    #expect(gate.admits(5, of: 20))
    #expect(!gate.admits(4.9, of: 5))
    #expect(!gate.admits(6, of: 25))
  }

  @Test("Without strictness everything comes in")
  func open() {
    for passages in [0, 100, 100_000] {
      #expect(Gate.own(0, passages: passages).admits(0, of: 100))
      #expect(Gate.past(0, passages: passages).admits(0, of: 100))
    }
  }
}
