/// Divides the logits: below 1 sharpens the distribution, above 1 flattens it.
///
/// Source: D. Ackley, G. Hinton, T. Sejnowski, "A Learning Algorithm for Boltzmann Machines",
/// Cognitive Science 9, 1985. At 0 there is no draw: ``Sampler`` takes the likeliest token.
package struct Temperature: SamplingStep {
  private let temperature: Float

  package init(_ options: SamplingOptions) { temperature = options.temperature }

  package var isOff: Bool { temperature == 1 || temperature == 0 }

  package func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    candidates.divide(by: temperature)
  }
}
