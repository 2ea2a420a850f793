import Foundation
import Generation
import Model

/// Logits like a model's: most of them noise, a few far above it.
func randomLogits(_ count: Int, _ generator: inout SeededGenerator) -> [Float] {
  (0..<count).map { _ in
    let noise = (0..<4).reduce(0) { sum, _ in sum + generator.nextUnit() } - 2
    let isLikely = generator.nextUnit() < 0.1
    return Float(noise * 2 + (isLikely ? generator.nextUnit() * 8 : 0))
  }
}

/// Logits with many ties and some that are banned.
func coarseLogits(_ count: Int, _ generator: inout SeededGenerator) -> [Float] {
  (0..<count).map { _ in
    let level = Int.random(in: 0..<6, using: &generator)
    return level == 0 ? -.infinity : Float(level)
  }
}

/// Token ids in the order that the library promises: likeliest first, lower ids among equals.
func ranked(_ logits: [Float]) -> [TokenID] {
  (0..<TokenID(logits.count)).sorted {
    let (a, b) = (logits[Int($0)], logits[Int($1)])
    return a > b || (a == b && $0 < $1)
  }
}

/// Softmax in double precision.
func probabilities(_ logits: [Float]) -> [Double] {
  let largest = Double(logits.max()!)
  let weights = logits.map { exp(Double($0) - largest) }
  let total = weights.reduce(0, +)
  return weights.map { $0 / total }
}

func context(
  history: [TokenID] = [], capacity: Int = 256, seed: UInt64 = 1
) -> SamplingContext {
  var context = SamplingContext(
    history: TokenHistory(capacity: capacity), generator: SeededGenerator(seed: seed))
  for token in history { context.history.append(token) }
  return context
}

/// What one step leaves of some logits.
struct Survivors {
  var ids: [TokenID]
  var logits: [Float]
  var isSorted: Bool

  init(_ candidates: Candidates) {
    ids = (0..<candidates.count).map(candidates.id)
    logits = (0..<candidates.count).map(candidates.logit)
    isSorted = candidates.isSorted
  }

  init(
    of logits: [Float], after step: some SamplingStep, in context: SamplingContext? = nil,
    sortedFirst: Bool = false
  ) {
    var candidates = Candidates(vocabularySize: logits.count)
    candidates.reset(to: logits.span)
    if sortedFirst && logits.count > 1 { candidates.keepTop(logits.count - 1) }
    var step = step
    var context = context ?? GenerationTests.context()
    step.run(on: &candidates, in: &context)
    self.init(candidates)
  }
}

extension SamplingOptions {
  /// Every step off but what `change` turns on.
  static func only(_ change: (inout SamplingOptions) -> Void) -> SamplingOptions {
    var options = SamplingOptions.unmodified
    change(&options)
    return options
  }
}

/// Seeds of a property test: a failure prints the one it failed for.
let seeds: Range<UInt64> = 0..<24
