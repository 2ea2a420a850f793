import Foundation
import Generation
import Model
import Testing

/// Probabilities this close to a limit may fall on either side of it in single precision.
private let tolerance = 1e-5

@Suite struct TruncationTests {
  @Test(arguments: seeds, [0.0, 0.1, 0.5, 0.9, 0.99, 1])
  func `top-p keeps the smallest set of likeliest tokens that reaches p`(seed: UInt64, p: Double) {
    var generator = SeededGenerator(seed: seed)
    for count in [1, 2, 10, 300] {
      for sortedFirst in [false, true] {
        var logits = randomLogits(count, &generator)
        let step = TopP(.only { $0.topP = Float(p) })
        let kept = Survivors(of: logits, after: step, sortedFirst: sortedFirst)
        // Sorting first has dropped the last one.
        if sortedFirst && count > 1 { logits[Int(ranked(logits).last!)] = -.infinity }
        let chances = probabilities(logits)
        let mass = kept.ids.reduce(0) { $0 + chances[Int($1)] }
        #expect(mass >= p - tolerance, "seed \(seed), \(count) logits")
        if p < 1 {
          #expect(kept.ids == Array(ranked(logits).prefix(kept.ids.count)), "seed \(seed)")
          let withoutLast = mass - chances[Int(kept.ids.last!)]
          #expect(
            withoutLast < p + tolerance || kept.ids.count == 1, "seed \(seed), \(count) logits")
        } else {
          #expect(kept.ids.count == count - (sortedFirst && count > 1 ? 1 : 0))
        }
      }
    }
  }

  @Test(arguments: seeds)
  func `top-k of the whole vocabulary or more changes nothing`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let logits = randomLogits(100, &generator)
    for k in [0, 100, 101, 100_000] {
      let kept = Survivors(of: logits, after: TopK(.only { $0.topK = k }))
      #expect(kept.ids == Array(0..<100))
      #expect(kept.logits == logits)
    }
  }

  @Test(arguments: seeds, [0.01, 0.1, 0.5, 1])
  func `min-p keeps tokens at least p times as likely as the likeliest`(seed: UInt64, p: Double) {
    var generator = SeededGenerator(seed: seed)
    for sortedFirst in [false, true] {
      let logits = randomLogits(200, &generator)
      let step = MinP(.only { $0.minP = Float(p) })
      let kept = Set(Survivors(of: logits, after: step, sortedFirst: sortedFirst).ids)
      let chances = probabilities(logits)
      for (token, chance) in chances.enumerated() {
        let ratio = chance / chances.max()!
        if abs(ratio - p) > tolerance {
          #expect(kept.contains(TokenID(token)) == (ratio > p), "seed \(seed), token \(token)")
        }
      }
      #expect(kept.contains(ranked(logits)[0]))
    }
  }

  @Test(arguments: seeds, [0.0, 0.2, 0.5, 0.95])
  func `typical keeps the tokens closest to the entropy, up to p`(seed: UInt64, p: Double) {
    var generator = SeededGenerator(seed: seed)
    let logits = randomLogits(120, &generator)
    let chances = probabilities(logits)
    let entropy = -chances.reduce(0) { $0 + $1 * log($1) }
    let distances = chances.map { abs(-log($0) - entropy) }
    let kept = Survivors(of: logits, after: Typical(.only { $0.typicalP = Float(p) })).ids

    let mass = kept.reduce(0) { $0 + chances[Int($1)] }
    #expect(mass >= p - tolerance, "seed \(seed)")
    #expect(mass - chances[Int(kept.last!)] < p + tolerance, "seed \(seed)")
    let furthest = kept.map { distances[Int($0)] }.max()!
    let closestLeft = distances.enumerated().filter { !kept.contains(TokenID($0.offset)) }
      .map(\.element).min()!
    #expect(furthest <= closestLeft + 1e-4, "seed \(seed)")
  }

  @Test func `typical can drop the likeliest token`() {
    // Entropy 2.0 nats; the likeliest has 0.7, the forty others 4.4 each.
    let logits = [Float(log(40.0))] + [Float](repeating: 0, count: 40)
    let kept = Survivors(of: logits, after: Typical(.only { $0.typicalP = 0.3 }))
    #expect(kept.ids.contains(0))
    let flat = [Float(log(400.0))] + [Float](repeating: 0, count: 4000)
    // Entropy 7.9 nats; the likeliest has 2.4, each other 8.4.
    #expect(!Survivors(of: flat, after: Typical(.only { $0.typicalP = 0.3 })).ids.contains(0))
  }

  @Test(arguments: seeds, [0.5, 1, 2] as [Float])
  func `top-n-sigma keeps logits within n deviations of the largest`(seed: UInt64, n: Float) {
    var generator = SeededGenerator(seed: seed)
    var logits = randomLogits(150, &generator)
    logits[3] = -.infinity
    logits[77] = .nan
    let possible = logits.filter { $0 > -.infinity }.map(Double.init)
    let mean = possible.reduce(0, +) / Double(possible.count)
    let variance = possible.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(possible.count)
    let threshold = possible.max()! - Double(n) * variance.squareRoot()
    let kept = Set(Survivors(of: logits, after: TopNSigma(.only { $0.topNSigma = n })).ids)
    for (token, logit) in logits.enumerated() where abs(Double(logit) - threshold) > tolerance {
      #expect(kept.contains(TokenID(token)) == (Double(logit) > threshold), "seed \(seed)")
    }
    #expect(!kept.contains(3) && !kept.contains(77))
  }

  @Test(arguments: seeds, [0.01, 0.1, 0.3] as [Float])
  func `XTC removes the top choices but the least of them`(seed: UInt64, threshold: Float) {
    var generator = SeededGenerator(seed: seed)
    for sortedFirst in [false, true] {
      let logits = randomLogits(60, &generator)
      let step = XTC(
        .only {
          $0.xtcProbability = 1
          $0.xtcThreshold = threshold
        })
      let kept = Survivors(of: logits, after: step, sortedFirst: sortedFirst)
      let all = sortedFirst ? Array(ranked(logits).dropLast()) : ranked(logits)
      let chances = probabilities(logits)
      let choices = all.filter { chances[Int($0)] >= Double(threshold) }
      let expected = all.filter { !choices.dropLast().contains($0) }
      #expect(Set(kept.ids) == Set(expected), "seed \(seed)")
    }
  }

  @Test func `XTC takes part as often as it is asked to`() {
    var step = XTC(.only { $0.xtcProbability = 0.3 })
    var context = context(seed: 5)
    var candidates = Candidates(vocabularySize: 4)
    var times = 0
    let rounds = 10_000
    for _ in 0..<rounds {
      candidates.reset(to: [3, 3, 3, 3].span)
      step.run(on: &candidates, in: &context)
      if candidates.count < 4 { times += 1 }
    }
    let deviation = (Double(rounds) * 0.3 * 0.7).squareRoot()
    #expect(abs(Double(times) - Double(rounds) * 0.3) < 5 * deviation)
  }

  @Test func `minKeep holds against every truncation that it applies to`() {
    let logits: [Float] = [0, 9, 1, 2, 8.9, 3]
    let options = SamplingOptions.only {
      $0.topP = 0.01
      $0.minP = 0.99
      $0.typicalP = 0.01
      $0.xtcProbability = 1
      $0.xtcThreshold = 0.1
      $0.minKeep = 3
    }
    let steps: [any SamplingStep] = [TopP(options), MinP(options), Typical(options)]
    for step in steps { #expect(Survivors(of: logits, after: step).ids.count == 3) }
    #expect(Survivors(of: logits, after: TopP(options)).ids == [1, 4, 5])
    #expect(Survivors(of: logits, after: MinP(options)).ids == [1, 4, 5])
    #expect(Survivors(of: logits, after: XTC(options)).ids == [0, 2, 3, 4, 5])
    var strict = options
    strict.minKeep = 6
    #expect(Survivors(of: logits, after: XTC(strict)).ids.count == 6)
  }

  @Test(arguments: seeds)
  func `no truncation loses or changes a token's logit`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let options = SamplingOptions.only {
      $0.topK = 20
      $0.topP = 0.8
      $0.minP = 0.02
      $0.typicalP = 0.8
      $0.topNSigma = 1.5
      $0.xtcProbability = 1
      $0.xtcThreshold = 0.05
    }
    let steps: [any SamplingStep] = [
      TopNSigma(options), TopK(options), Typical(options), TopP(options), MinP(options),
      XTC(options),
    ]
    // One after the other, in any order.
    for _ in 0..<8 {
      let logits = randomLogits(400, &generator)
      var candidates = Candidates(vocabularySize: 400)
      candidates.reset(to: logits.span)
      var context = context(seed: seed)
      for var step in steps.shuffled(using: &generator) {
        let trail = "seed \(seed), \(type(of: step))"
        let before = Set(Survivors(candidates).ids)
        step.run(on: &candidates, in: &context)
        let kept = Survivors(candidates)
        #expect(before.isSuperset(of: kept.ids), Comment(rawValue: trail))
        #expect(
          Set(kept.ids).count == kept.ids.count && !kept.ids.isEmpty, Comment(rawValue: trail))
        #expect(kept.logits == kept.ids.map { logits[Int($0)] }, Comment(rawValue: trail))
      }
    }
  }

  @Test(arguments: seeds, [0.25, 0.7, 3] as [Float])
  func `temperature divides the differences between logits`(seed: UInt64, temperature: Float) {
    var generator = SeededGenerator(seed: seed)
    let logits = randomLogits(50, &generator)
    let scaled = Survivors(of: logits, after: Temperature(.only { $0.temperature = temperature }))
    for token in 1..<50 {
      let expected = (logits[token] - logits[0]) / temperature
      #expect(abs(scaled.logits[token] - scaled.logits[0] - expected) < 1e-3, "seed \(seed)")
    }
  }
}
