import Evaluation
import Foundation
import Testing

@Suite("Statistics of evaluations")
struct StatisticsTests {
  // Known values: Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
  // Medicine 17 (1998), table I, method 3.
  @Test(
    "The Wilson interval has the values of Newcombe's table",
    arguments: [
      (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611),
      (1, 29, 0.0061, 0.1718),
    ])
  func wilson(successes: Int, trials: Int, low: Double, high: Double) {
    let interval = Proportion(successes: successes, trials: trials).interval()
    #expect(abs(interval.lowerBound - low) < 0.00005)
    #expect(abs(interval.upperBound - high) < 0.00005)
  }

  @Test("Success and failure swap the ends of the interval")
  func wilsonSymmetry() {
    for trials in 1...30 {
      for successes in 0...trials {
        let one = Proportion(successes: successes, trials: trials).interval()
        let other = Proportion(successes: trials - successes, trials: trials).interval()
        #expect(abs(one.lowerBound - (1 - other.upperBound)) < 1e-12)
        #expect(one.contains(Double(successes) / Double(trials)))
      }
    }
  }

  @Test("No trials say nothing")
  func noTrials() {
    #expect(Proportion().value == nil)
    #expect(Proportion().interval() == 0...1)
  }

  @Test("A distribution's divergence from another has the textbook value")
  func divergence() {
    func distribution(_ probabilities: [Float]) -> Distribution {
      // A constant added to every logit changes nothing.
      let logits = probabilities.map { 7 + Float(log(Double($0))) }
      return Distribution(logits: logits.span)
    }
    let a = distribution([0.5, 0.25, 0.25])
    let b = distribution([0.25, 0.25, 0.5])
    // 0.5 ln 2 + 0.25 ln 0.5 = 0.25 ln 2
    #expect(abs(a.divergence(of: b) - 0.25 * log(2)) < 1e-6)
    #expect(a.divergence(of: a) == 0)
    let skew = distribution([0.9, 0.05, 0.05])
    let expected = 0.9 * log(0.9 / 0.5) + 0.1 * log(0.05 / 0.25)
    #expect(abs(skew.divergence(of: a) - expected) < 1e-6)
    #expect(skew.divergence(of: a) != a.divergence(of: skew))
    #expect(a.top == 0)
    #expect(b.top == 2)
  }

  @Test("What is impossible adds nothing to the divergence")
  func impossible() {
    let a = Distribution(logits: [0, 0, -.infinity].span)
    let b = Distribution(logits: [0, 0, 0].span)
    #expect(abs(a.divergence(of: b) - log(1.5)) < 1e-6)
  }

  @Test("The bootstrap's interval covers its mean, and repeats with its seed")
  func bootstrap() throws {
    let groups = (0..<40).map {
      PairedBootstrap.Group(sum: Double(($0 * 37) % 11) - 3, count: 2)
    }
    let estimate = try #require(PairedBootstrap.estimate(groups, seed: 5))
    #expect(estimate == PairedBootstrap.estimate(groups, seed: 5))
    #expect(estimate != PairedBootstrap.estimate(groups, seed: 6))
    #expect(estimate.low < estimate.mean && estimate.mean < estimate.high)
    #expect(estimate.mean == groups.reduce(0) { $0 + $1.sum } / 80)
    // The standard error of the mean of 40 values, halved by the count of 2, times two on each side.
    let mean = groups.reduce(0) { $0 + $1.sum } / 40
    let variance = groups.reduce(0) { $0 + ($1.sum - mean) * ($1.sum - mean) } / 39
    let expected = 4 * (variance / 40).squareRoot() / 2
    #expect(abs((estimate.high - estimate.low) / expected - 1) < 0.15)
    #expect(PairedBootstrap.estimate([]) == nil)
  }

  @Test("Groups that do not differ have an interval without width")
  func constantBootstrap() throws {
    let groups = Array(repeating: PairedBootstrap.Group(sum: 3, count: 4), count: 9)
    #expect(
      PairedBootstrap.estimate(groups) == Estimate(mean: 0.75, low: 0.75, high: 0.75))
  }
}
