import Generation
import Testing

/// The governor against made-up machines and texts.
@Suite struct DraftGovernorTests {
  /// A reply on a machine where a pass of m rows takes `cost(m)` passes of one row, and drafts of `most`
  /// tokens are right token by token with a given chance.
  private struct Run {
    var governor = DraftGovernor()
    var costs = PassCosts()
    var random: SeededGenerator
    let kind = DraftKind(number: 2)
    let most = 8

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Time and tokens of `passes` passes.
    mutating func decode(
      passes: Int, chance: Double, noise: Double = 0, cost: (Int) -> Double
    ) -> (time: Double, tokens: Int, drafted: Int) {
      var (time, tokens, drafted) = (0.0, 0, 0)
      for _ in 0..<passes {
        let length = governor.length(of: kind, available: most, costs: costs)
        var right = 0
        while right < max(1, length), Double.random(in: 0..<1, using: &random) < chance {
          right += 1
        }
        governor.note(kind, drafted: max(1, length), accepted: right)
        let factor = 1 + noise * Double.random(in: 0...1, using: &random)
        let seconds = cost(length + 1) * factor / 1000
        costs.note(rows: length + 1, .seconds(seconds))
        time += cost(length + 1)
        tokens += 1 + min(length, right)
        drafted += length
      }
      return (time, tokens, drafted)
    }
  }

  @Test(
    "is off where drafts lose, and costs no more than 2% there", arguments: 0..<20 as Range<UInt64>)
  func loses(seed: UInt64) {
    // Every row costs what a pass of its own does, so that no draft can pay.
    var run = Run(seed: seed)
    let first = run.decode(passes: 1000, chance: 0.6, noise: 0.2) { Double($0) }
    #expect(first.time / Double(first.tokens) < 1.03, "seed \(seed)")
    let (time, tokens, _) = run.decode(passes: 1000, chance: 0.6, noise: 0.2) { Double($0) }
    #expect(time / Double(tokens) < 1.02, "seed \(seed)")
    #expect(run.governor.isOff)
  }

  @Test("is off where drafts are wrong, however cheap rows are", arguments: 0..<20 as Range<UInt64>)
  func wrong(seed: UInt64) {
    var run = Run(seed: seed)
    let (time, tokens, _) = run.decode(passes: 2000, chance: 0.02, noise: 0.2) {
      1 + 0.1 * Double($0 - 1)
    }
    #expect(time / Double(tokens) < 1.02, "seed \(seed)")
  }

  @Test(
    "drafts far where rows cost little and drafts are right", arguments: 0..<20 as Range<UInt64>)
  func wins(seed: UInt64) {
    var run = Run(seed: seed)
    let (time, tokens, _) = run.decode(passes: 500, chance: 0.9, noise: 0.2) {
      1 + 0.05 * Double($0 - 1)
    }
    // 1 + a + … + a⁸ tokens at a price of 1.4 would be 4.4 times as fast.
    #expect(Double(tokens) / time > 3.5, "seed \(seed)")
    #expect(!run.governor.isOff)
  }

  @Test(
    "takes the length that is worth most where costs rise in a step",
    arguments: 0..<20 as Range<UInt64>)
  func steps(seed: UInt64) {
    // Four rows cost what one does, five cost three times as much.
    var run = Run(seed: seed)
    func cost(_ rows: Int) -> Double { rows <= 4 ? 1 : 3 }
    _ = run.decode(passes: 200, chance: 0.7, cost: cost)
    let (time, tokens, drafted) = run.decode(passes: 500, chance: 0.7, cost: cost)
    // 1 + 0.7 + 0.49 + 0.343 = 2.53 tokens a pass.
    #expect(Double(tokens) / time > 2.3, "seed \(seed)")
    #expect(Double(drafted) / 500 < 3.2)
  }

  @Test(
    "comes back when the text becomes one that can be guessed, or rows cheap, and goes again",
    arguments: 0..<20 as Range<UInt64>)
  func recovers(seed: UInt64) {
    func cheap(_ rows: Int) -> Double { 1 + 0.05 * Double(rows - 1) }
    func dear(_ rows: Int) -> Double { Double(rows) }
    var run = Run(seed: seed)
    _ = run.decode(passes: 500, chance: 0.01, cost: cheap)
    #expect(run.governor.isOff)
    // What is not checked is compared all the same: the text is found out at once.
    _ = run.decode(passes: 40, chance: 0.95, cost: cheap)
    var now = run.decode(passes: 200, chance: 0.95, cost: cheap)
    #expect(Double(now.tokens) / now.time > 3, "seed \(seed)")
    _ = run.decode(passes: 600, chance: 0.95, cost: dear)
    now = run.decode(passes: 1000, chance: 0.95, cost: dear)
    #expect(now.time / Double(now.tokens) < 1.03, "seed \(seed)")
    // That rows have become cheap only shows when some are run, which is now and then.
    _ = run.decode(passes: 6000, chance: 0.95, cost: cheap)
    now = run.decode(passes: 200, chance: 0.95, cost: cheap)
    #expect(Double(now.tokens) / now.time > 3, "seed \(seed)")
  }

  @Test("the next reply begins with what this one has seen, and soon sees for itself")
  func successor() {
    var run = Run(seed: 1)
    func cheap(_ rows: Int) -> Double { 1 + 0.05 * Double(rows - 1) }
    _ = run.decode(passes: 200, chance: 0.95, cost: cheap)
    let chance = run.governor.chance(of: run.kind)
    run.governor = run.governor.successor()
    #expect(abs(run.governor.chance(of: run.kind) - chance) < 0.01)
    #expect(run.governor.length(of: run.kind, available: 8, costs: run.costs) > 4)
    _ = run.decode(passes: 12, chance: 0, cost: cheap)
    #expect(run.governor.length(of: run.kind, available: 8, costs: run.costs) <= 2)
  }

  @Test("costs are told by the lines between what was measured, and never less than for more rows")
  func costs() {
    var costs = PassCosts()
    #expect(!costs.isKnown)
    for _ in 0..<4 { costs.note(rows: 1, .milliseconds(10)) }
    #expect(costs.isKnown && costs.ratio(rows: 1) == 1)
    // What was never measured is tried.
    #expect(costs.ratio(rows: 9) == 1)
    costs.note(rows: 9, .milliseconds(30))
    #expect(costs.ratio(rows: 9) == 3 && costs.ratio(rows: 5) == 2)
    #expect(costs.ratio(rows: 20) == 3)
    // An outlier is cut to what single passes would have cost, and bounded by larger passes.
    costs.note(rows: 5, .milliseconds(900))
    #expect(costs.ratio(rows: 5) == 3)
    for _ in 0..<200 { costs.note(rows: 5, .milliseconds(15)) }
    #expect(costs.ratio(rows: 5) == 1.5)
    #expect(costs.ratio(rows: 7) > 1.5 && costs.ratio(rows: 7) < 3)
    // A pass of one row has to be seen now and then.
    #expect(!costs.isKnown)
    costs.note(rows: 1, .milliseconds(10))
    #expect(costs.isKnown)
  }

  // MARK: - Drafts that are computed

  /// Costs of passes of 1 to 12 rows, in passes of one row, as if measured.
  private func costs(_ cost: (Int) -> Double) -> PassCosts {
    var costs = PassCosts()
    for _ in 0..<8 { costs.note(rows: 1, .milliseconds(1)) }
    for rows in 2...12 { costs.note(rows: rows, .seconds(cost(rows) / 1000)) }
    return costs
  }

  @Test(
    "of computed drafts the length is taken whose tokens come cheapest, their own price included",
    arguments: 0..<50 as Range<UInt64>)
  func prices(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let (row, price) = (
      Double.random(in: 0...1, using: &random), Double.random(in: 0...1, using: &random)
    )
    let costs = costs { 1 + row * Double($0 - 1) }
    var governor = DraftGovernor()
    let kind = DraftKind(.model)
    for _ in 0..<200 {
      governor.note(
        kind, drafted: 1, accepted: Double.random(in: 0..<1, using: &random) < 0.8 ? 1 : 0)
    }
    let chance = governor.chance(of: kind)
    let best = governor.best(of: kind, available: 8, price: price, costs: costs)
    var expected = (length: 0, gain: 1.03)
    for length in 1...8 {
      let tokens = (0...length).reduce(0.0) { sum, power in
        sum + (0..<power).reduce(1.0) { product, _ in product * chance }
      }
      let gain = tokens / (1 + (row + price) * Double(length))
      if gain > expected.gain { expected = (length, gain) }
    }
    #expect(best.length == expected.length, "seed \(seed)")
    #expect(abs(best.gain - expected.gain) < 1e-6, "seed \(seed)")
  }

  @Test(
    "a computed draft goes on while a token is worth its price, and is checked as far as it is worth it"
  )
  func goingOn() {
    let governor = DraftGovernor()
    let costs = costs { 1 + 0.25 * Double($0 - 1) }
    // A token that is right in three of four cases costs 0.25 to check and 0.3 to compute.
    #expect(
      governor.goesOn(.model, length: 1, reached: 0.9, rate: 1.2, price: 0.3, costs: costs))
    #expect(
      !governor.goesOn(.model, length: 1, reached: 0.8, rate: 1.2, price: 0.3, costs: costs))
    #expect(governor.worthChecking([0.9, 0.9, 0.2, 0.9], rate: 1.2, costs: costs) == 2)
    #expect(governor.worthChecking([0.9, 0.3, 0.99, 0.99], rate: 1.2, costs: costs) == 1)
    #expect(governor.worthChecking([0.2, 0.9], rate: 1.2, costs: costs) == 0)
  }

  @Test("how sure whoever computes is, is believed as far as it proves true")
  func levels() {
    var governor = DraftGovernor()
    let (sure, unsure) = (
      DraftKind(.model, probability: 0.95), DraftKind(.model, probability: 0.3)
    )
    #expect(governor.chance(of: sure) > governor.chance(of: unsure))
    for _ in 0..<100 {
      governor.note(sure, drafted: 1, accepted: 0)
      governor.note(unsure, drafted: 1, accepted: 1)
    }
    #expect(governor.chance(of: sure) < 0.1 && governor.chance(of: unsure) > 0.9)
    #expect(governor.chance(of: DraftKind(.earlyLayers, probability: 0.95)) > 0.9)
    #expect(DraftKind(.model, probability: 0.95) != DraftKind(.model))
    let numbers = Set((0..<DraftKind.count).map { DraftKind(number: $0).number })
    #expect(numbers.count == DraftKind.count)
  }

  @Test("a source is new until some of its tokens have been seen, also by earlier replies")
  func novelty() {
    var governor = DraftGovernor()
    for count in 0..<16 {
      #expect(governor.isNew(.model), "\(count)")
      governor.note(DraftKind(.model), drafted: 1, accepted: count % 2)
      governor = governor.successor()
    }
    #expect(!governor.isNew(.model) && governor.isNew(.halfLayers))
  }

  @Test("what does not pay is tried for half a percent of the time", arguments: [0.3, 0.7, 5])
  func trials(loss: Double) {
    var governor = DraftGovernor()
    let passes = 20_000
    let trials = (0..<passes).count { _ in governor.isTrialDue(loss: loss) }
    #expect(trials > 0)
    #expect(Double(trials) * loss / Double(passes) <= 0.005 + 1e-9)
    #expect(Double(trials) * loss / Double(passes) > 0.0045)
  }

  @Test("a computed draft's price is measured in passes, outliers cut")
  func computedPrices() {
    var costs = PassCosts()
    #expect(costs.price(of: .model, assumed: 0.4) == 0.4)
    #expect(costs.priceOfReading(assumed: 0.1) == 0.1)
    for _ in 0..<4 { costs.note(rows: 1, .milliseconds(10)) }
    // The first passes touch memory, too, and are not believed to be dear.
    costs.note(drafting: .model, .milliseconds(6))
    #expect(costs.price(of: .model, assumed: 0.4) == 0.4)
    for _ in 0..<3 { costs.note(drafting: .model, .milliseconds(2)) }
    #expect(abs(costs.price(of: .model, assumed: 0.4) - 0.2) < 1e-9)
    costs.note(drafting: .model, .milliseconds(900))
    #expect(costs.price(of: .model, assumed: 0.4) < 0.23)
    #expect(costs.price(of: .halfLayers, assumed: 0.5) == 0.5)
    costs.note(reading: 100, .milliseconds(50))
    #expect(abs(costs.priceOfReading(assumed: 1) - 0.05) < 1e-9)
  }
}
