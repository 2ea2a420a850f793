/// Keeps the tokens whose logit is within `n` standard deviations of the largest.
///
/// Logits of unlikely tokens look like Gaussian noise, from which the informative ones stand out
/// at the top: unlike a cut by probability, this one does not let the noise in at high
/// temperature. Mean and deviation are over all tokens that are not banned.
///
/// Source: C. Tang et al., "Top-nσ: Not All Logits Are You Need", 2024, arXiv:2411.07641.
package struct TopNSigma: SamplingStep {
  private let n: Float

  package init(_ options: SamplingOptions) { n = options.topNSigma }

  package var isOff: Bool { n <= 0 }

  package func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    guard let deviation = candidates.logitDeviation else { return }
    candidates.keep(
      logitAtLeast: candidates.largestLogit - n * Float(deviation), minKeep: 1)
  }
}
