/// Keeps the tokens whose information content is closest to what is expected, up to a probability.
///
/// A token's distance is `|-log p - H|`, with H the entropy of the distribution: text that is
/// neither dull nor surprising.
///
/// Source: C. Meister et al., "Locally Typical Sampling", TACL 2023, arXiv:2202.00666.
package struct Typical: SamplingStep {
  private let p: Float
  private let minKeep: Int

  package init(_ options: SamplingOptions) {
    p = options.typicalP
    minKeep = options.minKeep
  }

  package var isOff: Bool { p >= 1 }

  package func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    candidates.softmax()
    candidates.keepMostTypical(mass: p, minKeep: minKeep)
  }
}
