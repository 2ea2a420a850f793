import Glibc

/// Drops tokens less likely than `p` times the likeliest one.
///
/// In logits that is `x < largest + log p`, so that no probability need be computed.
///
/// Source: M. Nguyen et al., "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM
/// Outputs", 2024, arXiv:2407.01082.
package struct MinP: SamplingStep {
  private let logP: Float
  private let minKeep: Int

  package init(_ options: SamplingOptions) {
    logP = log(options.minP)
    minKeep = options.minKeep
  }

  package var isOff: Bool { logP == -.infinity }

  package func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    candidates.keep(logitAtLeast: candidates.largestLogit + logP, minKeep: minKeep)
  }
}
