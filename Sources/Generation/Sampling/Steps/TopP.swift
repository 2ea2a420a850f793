/// Keeps the nucleus: the smallest set of likeliest tokens whose probability reaches `p`.
///
/// Source: A. Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020,
/// arXiv:1904.09751.
package struct TopP: SamplingStep {
  private let p: Float
  private let minKeep: Int

  package init(_ options: SamplingOptions) {
    p = options.topP
    minKeep = options.minKeep
  }

  package var isOff: Bool { p >= 1 }

  package func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    candidates.softmax()
    candidates.keepLikeliest(mass: p, minKeep: minKeep)
  }
}
