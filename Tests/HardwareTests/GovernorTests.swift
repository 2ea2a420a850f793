import Hardware
import Testing

@Suite("The governor")
struct GovernorTests {
  private func sample(_ time: Double, _ celsius: Double?, cost: Double? = nil) -> Sample {
    Sample(
      time: time, reading: Reading(temperature: celsius, limit: celsius.map { _ in 100 }),
      busy: 1, unitCost: cost)
  }

  /// A temperature that wanders, with gaps, and now and then something worse.
  private func wander(
    _ random: inout SeededGenerator, _ time: Int, _ celsius: inout Double
  ) -> Sample {
    celsius = min(110, max(20, celsius + Double.random(in: -4...4, using: &random)))
    var sample = sample(Double(time), celsius, cost: .random(in: 0.9...1.3, using: &random))
    if Int.random(in: 0..<20, using: &random) == 0 { sample.reading.temperature = nil }
    if Int.random(in: 0..<50, using: &random) == 0 { sample.reading.throttleCount = time }
    if Int.random(in: 0..<9, using: &random) == 0 { sample.reading.frequencyShare = 0.5 }
    if Int.random(in: 0..<30, using: &random) == 0 { sample.reading.memoryPressure = 40 }
    return sample
  }

  @Test(
    "Whatever the samples: widths stay in range, directions change once a cool-down, hotter is never wider",
    arguments: [ThermalOptions.Mode.performance, .balanced, .efficiency], UInt64(1)...20)
  func properties(mode: ThermalOptions.Mode, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let options = ThermalOptions(mode: mode, cooldown: 20)
    let (width, threads) = (
      Int.random(in: 1...40, using: &random), Int.random(in: 1...16, using: &random)
    )
    var governor = Governor(maxWidth: width, maxThreads: threads, options: options)
    var celsius = 60.0
    var (last, direction, turned) = (governor.decision, 0, -Double.infinity)
    var faults: [Int] = []
    func check(_ isRight: Bool, at time: Int) { if !isRight { faults.append(time) } }
    for time in 0..<3000 {
      let sample = wander(&random, time, &celsius)
      var (hotter, same) = (governor, governor)
      let decision = governor.decide(sample)
      check(same.decide(sample) == decision, at: time)
      if let shown = sample.reading.temperature {
        var warm = sample
        warm.reading.temperature = shown + .random(in: 0...30, using: &random)
        let other = hotter.decide(warm)
        check(other.width <= decision.width, at: time)
        check(other.threads <= decision.threads, at: time)
        check(other.pause >= decision.pause || other.width < decision.width, at: time)
      }
      check((1...width).contains(decision.width), at: time)
      check((1...governor.maxThreads).contains(decision.threads), at: time)
      check((0...1).contains(decision.pause), at: time)
      check((0.0625...1).contains(decision.cacheShare), at: time)
      if decision.width != last.width {
        let next = decision.width > last.width ? 1 : -1
        if direction != 0, next != direction {
          check(Double(time) - turned >= 20, at: time)
          turned = Double(time)
        }
        direction = next
      }
      last = decision
    }
    #expect(faults.isEmpty, "seed \(seed), seconds \(faults.prefix(10))")
  }

  @Test("After a crisis the full width is back within a bound", arguments: [4, 16, 64])
  func recovery(width: Int) {
    var governor = Governor(maxWidth: width, maxThreads: 4)
    for time in 0..<200 { _ = governor.decide(sample(Double(time), 99 + Double(time % 2))) }
    #expect(governor.decision.width == 1)
    // 30 s of calm, 5 s a step, and two minutes for each step beyond what was once too hot.
    let bound = 200 + 60 + 5 * width + 240
    for time in 200..<bound { _ = governor.decide(sample(Double(time), 40 + Double(time % 2))) }
    #expect(governor.decision.width == width)
    #expect(governor.decision.pause == 0)
    #expect(governor.decision.state == .full)
  }

  @Test("A sensor that falls silent holds the width, and is never taken for cool")
  func silence() {
    var governor = Governor(maxWidth: 16, maxThreads: 4)
    for time in 0..<60 { _ = governor.decide(sample(Double(time), 92 + Double(time % 2) / 10)) }
    let held = governor.decision
    #expect(held.width < 16)
    for time in 60..<2000 { _ = governor.decide(sample(Double(time), nil)) }
    #expect(governor.decision.width == held.width)
  }

  @Test("Without sensors: full width until the same work takes longer, and back when it does not")
  func drift() {
    var governor = Governor(maxWidth: 8, maxThreads: 2)
    for time in 0..<100 { _ = governor.decide(sample(Double(time), nil, cost: 1)) }
    #expect(governor.decision.width == 8)
    for time in 100..<120 { _ = governor.decide(sample(Double(time), nil, cost: 1.5)) }
    #expect(governor.decision.width == 4)
    #expect(governor.decision.threads == 1)
    for time in 120..<1200 { _ = governor.decide(sample(Double(time), nil, cost: 1)) }
    #expect(governor.decision.width == 8)
  }

  @Test("A throttle count that rises halves the width, whatever the temperature")
  func throttle() {
    var governor = Governor(maxWidth: 8, maxThreads: 2)
    for time in 0..<10 {
      var sample = sample(Double(time), nil)
      sample.reading.throttleCount = 100
      _ = governor.decide(sample)
    }
    #expect(governor.decision.width == 8)
    var next = sample(10, nil)
    next.reading.throttleCount = 102
    let decision = governor.decide(next)
    #expect(decision.width == 4)
    #expect(decision.reason == .throttled(times: 2))
  }

  @Test("A slow clock counts where the machine is warm, and not where it is cool")
  func slowClock() {
    for (celsius, width) in [(85.0, 4), (50, 8)] {
      var governor = Governor(maxWidth: 8, maxThreads: 2)
      for time in 0..<60 {
        var sample = sample(Double(time), celsius + Double(time % 3) / 10)
        sample.reading.frequencyShare = 0.5
        _ = governor.decide(sample)
      }
      #expect(celsius == 50 ? governor.decision.width == width : governor.decision.width < 8)
    }
  }

  @Test("Memory pressure shrinks the caches, and plenty lets them grow again")
  func memory() {
    var governor = Governor(maxWidth: 8, maxThreads: 2)
    func reading(_ left: Double?, _ pressure: Double?) -> Reading {
      Reading(memoryLeft: left, memoryPressure: pressure)
    }
    var first = governor.decide(Sample(time: 0, reading: reading(0.05, 0)))
    #expect(first.cacheShare == 0.5)
    #expect(first.reason == .memoryShort(left: 0.05, pressure: nil))
    for time in 1..<100 {
      first = governor.decide(Sample(time: Double(time), reading: reading(0.5, 30)))
    }
    #expect(first.cacheShare == 0.0625)
    for time in 100..<200 {
      _ = governor.decide(Sample(time: Double(time), reading: reading(nil, nil)))
    }
    #expect(governor.decision.cacheShare == 0.0625)
    for time in 200..<600 {
      _ = governor.decide(Sample(time: Double(time), reading: reading(0.5, 0)))
    }
    #expect(governor.decision.cacheShare == 1)
    #expect(governor.decision.width == 8)
  }

  @Test("Off changes nothing")
  func off() {
    var governor = Governor(maxWidth: 8, maxThreads: 2, options: ThermalOptions(mode: .off))
    for time in 0..<60 { _ = governor.decide(sample(Double(time), 120)) }
    #expect(governor.decision.width == 8)
    #expect(governor.decision.reason == .off)
  }
}
