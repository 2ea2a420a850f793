/// One link of the sampling chain.
///
/// A step changes logits, or drops candidates, and never draws. It allocates nothing: what room it
/// needs it takes in its initializer.
package protocol SamplingStep: Sendable {
  /// Whether the options leave this step nothing to do.
  var isOff: Bool { get }

  mutating func apply(to candidates: inout Candidates, in context: inout SamplingContext)
}

extension SamplingStep {
  /// Applies the step unless it is off.
  @inline(__always)
  package mutating func run(on candidates: inout Candidates, in context: inout SamplingContext) {
    if !isOff { apply(to: &candidates, in: &context) }
  }
}

/// What steps may look at beside the candidates.
package struct SamplingContext: Sendable {
  /// The tokens so far, prompt included.
  package var history: TokenHistory
  package var generator: SeededGenerator

  package init(history: TokenHistory, generator: SeededGenerator) {
    self.history = history
    self.generator = generator
  }
}
