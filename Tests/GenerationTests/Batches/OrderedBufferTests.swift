import Generation
import Testing

@Suite struct OrderedBufferTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func `whatever order they come in, they leave in their own`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for count in [0, 1, 2, 50] {
      var buffer = OrderedBuffer<Int>()
      var left: [Int] = []
      for place in Array(0..<count).shuffled(using: &random) {
        left += buffer.add(place, at: place)
        #expect(left == Array(0..<buffer.next), "seed \(seed)")
      }
      #expect(left.count == count && buffer.count == 0, "seed \(seed)")
    }
  }
}

@Suite struct MovingRateTests {
  @Test func `a rate is what the last seconds were like`() {
    var rate = MovingRate(span: 10)
    #expect(rate.perSecond == nil && rate.seconds(for: 5) == nil)
    rate.note(0, at: 0)
    #expect(rate.perSecond == nil)
    for second in 1...20 { rate.note(2 * second, at: Double(second)) }
    #expect(rate.perSecond == 2 && rate.seconds(for: 8) == 4)
    // Ten times slower; what was before the span is forgotten.
    for second in 1...4 { rate.note(40 + second, at: 20 + 5 * Double(second)) }
    #expect(rate.perSecond == 0.2)
  }

  @Test func `where nothing gets done, nobody knows how long it takes`() {
    var rate = MovingRate(span: 10)
    for second in 0...30 { rate.note(7, at: Double(second)) }
    #expect(rate.perSecond == nil && rate.seconds(for: 1) == nil)
  }
}

@Suite struct RetryWaitsTests {
  @Test func `waits double up to a minute`() {
    var waits = RetryWaits()
    let all = (0..<12).map { _ in waits.next() }
    #expect(all[0] == .milliseconds(250) && all[3] == .seconds(2))
    for (one, next) in zip(all, all.dropFirst()) { #expect(next == min(one * 2, .seconds(60))) }
    #expect(all.last == .seconds(60))
  }
}
