import Generation
import Testing

@Suite struct LoopDetectorTests {
  private static func options(
    repetitions: Int, least: Int, longest: Int
  ) -> QualityOptions {
    var options = QualityOptions()
    (options.repetitions, options.leastLoop, options.longestPeriod) = (repetitions, least, longest)
    return options
  }

  /// The definition, word for word.
  private static func loop(
    at end: Int, of text: [TokenID], _ options: QualityOptions
  ) -> LoopDetector.Loop? {
    for period in 1...options.longestPeriod where period <= end {
      var run = 0
      while run + period <= end, text[end - run] == text[end - run - period] { run += 1 }
      if run > 0, run + period >= max(options.repetitions * period, options.leastLoop) {
        return LoopDetector.Loop(period: period, tokens: run + period)
      }
    }
    return nil
  }

  @Test(
    "it says at every token what its definition says, in texts of few letters", arguments: 1...12)
  func definition(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
    let options = Self.options(
      repetitions: 2 + below(3), least: 1 + below(20), longest: 16 * (1 + below(3)))
    var detector = LoopDetector(options)
    var text: [TokenID] = []
    var loops = 0
    for _ in 0..<3000 {
      // Letters by chance, or the next one of what came some tokens ago.
      let back = below(40) == 0 ? 0 : Self.back(&random, text.count, longest: options.longestPeriod)
      text.append(back > 0 ? text[text.count - back] : TokenID(below(3)))
      let found = detector.note(text.last!)
      let expected = Self.loop(at: text.count - 1, of: text, options)
      #expect(found == expected, "seed \(seed), token \(text.count - 1)")
      if found != nil { loops += 1 }
    }
    #expect(loops > 0, "seed \(seed)")
  }

  /// How far back to copy from: seldom changed, so that copies grow into loops.
  private static func back(
    _ random: inout SeededGenerator, _ count: Int, longest: Int
  ) -> Int {
    guard count > 0 else { return 0 }
    let stretch = UInt64(count / 150) &* 0x9E37_79B9_7F4A_7C15
    let back = 1 + Int((stretch >> 32) % UInt64(longest + 4))
    return back <= count && random.next() % 100 > 0 ? back : 0
  }

  @Test("a loop of any period is found at its first token that makes it one", arguments: 1...10)
  func periods(seed: Int) {
    var random = SeededGenerator(seed: UInt64(100 + seed))
    func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
    let options = QualityOptions()
    for _ in 0..<40 {
      let period = 1 + below(options.longestPeriod)
      // All different, so that no smaller part of it repeats.
      let unit = (0..<period).map { TokenID(1000 + $0) }
      let before = (0..<below(400)).map { _ in TokenID(5000 + below(10_000)) }
      var detector = LoopDetector()
      for token in before { #expect(detector.note(token) == nil, "seed \(seed)") }
      let extent = max(options.repetitions * period, options.leastLoop)
      for index in 0..<2 * extent {
        let found = detector.note(unit[index % period])
        let expected =
          index + 1 >= extent ? LoopDetector.Loop(period: period, tokens: index + 1) : nil
        #expect(found == expected, "seed \(seed), period \(period), token \(index)")
      }
      // Another token ends it.
      #expect(detector.note(1) == nil)
    }
  }

  @Test("what differs in one token of each repetition is no loop", arguments: 1...10)
  func noise(seed: Int) {
    var random = SeededGenerator(seed: UInt64(200 + seed))
    func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
    for _ in 0..<20 {
      // Lines that are alike but for a number, such as those of a list.
      let line = (0..<22 + below(40)).map { TokenID(1000 + $0) }
      let place = below(line.count)
      var detector = LoopDetector()
      for number in 0..<30 {
        for (index, token) in line.enumerated() {
          let token = index == place ? TokenID(5000 + number) : token
          #expect(detector.note(token) == nil, "seed \(seed), line \(number)")
        }
      }
    }
  }

  @Test("rulers and rows of fewer than 64 tokens are no loops, longer ones are")
  func bounds() {
    for period in 1...21 {
      var detector = LoopDetector()
      for index in 0..<63 {
        #expect(detector.note(TokenID(index % period)) == nil, "period \(period)")
      }
      #expect(detector.note(TokenID(63 % period)) != nil, "period \(period)")
    }
  }
}
