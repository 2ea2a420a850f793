import Scheduling
import Testing

@Suite("Batch windows")
struct BatchWindowTests {
  private func window(of count: Int, at time: UInt64 = 0) -> BatchWindow {
    var window = BatchWindow()
    for id in 0..<UInt64(count) { window.add(id, at: time) }
    return window
  }

  @Test("Without submissions nothing is due, however long it takes")
  func empty() {
    let window = BatchWindow()
    #expect(!window.isDue(at: .max, others: 0))
    #expect(window.dueTime == nil)
  }

  @Test("The eighth submission makes a batch, the seventh does not")
  func size() {
    #expect(!window(of: 7).isDue(at: 0, others: 5))
    #expect(window(of: 8).isDue(at: 0, others: 5))
  }

  @Test("A batch goes 50 ms after its first submission, whatever came later")
  func time() {
    var window = window(of: 1, at: 10)
    window.add(1, at: 50_000_000)
    #expect(window.dueTime == 50_000_010)
    #expect(!window.isDue(at: 50_000_009, others: 5))
    #expect(window.isDue(at: 50_000_010, others: 5))
  }

  @Test("When nobody is left who could add one, a batch goes at once")
  func nobodyLeft() {
    #expect(window(of: 3).isDue(at: 0, others: 0))
    #expect(!window(of: 3).isDue(at: 0, others: 1))
  }

  @Test("A late batch takes 64, and the others wait from their own times")
  func ceiling() {
    var window = window(of: 64)
    for id in 64..<UInt64(70) { window.add(id, at: 7) }
    var batch: [UInt64] = [99]
    window.take(into: &batch)
    #expect(batch == Array(0..<64))
    #expect(window.dueTime == 50_000_007)
    window.take(into: &batch)
    #expect(batch == Array(64..<70))
    #expect(window.dueTime == nil)
  }

  @Test("What is taken back does not go, and the next one's time counts")
  func removal() {
    var window = window(of: 1, at: 3)
    window.add(1, at: 5)
    let answers = [window.remove(0), window.remove(0)]
    #expect(answers == [true, false])
    #expect(window.dueTime == 50_000_005)
    var batch: [UInt64] = []
    window.take(into: &batch)
    #expect(batch == [1])
  }

  @Test("Times near the end of the clock do not overflow")
  func lateClock() {
    let window = window(of: 1, at: .max - 1)
    #expect(window.dueTime == .max)
    #expect(!window.isDue(at: .max - 1, others: 1))
  }
}
