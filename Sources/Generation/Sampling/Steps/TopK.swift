/// Keeps the `k` likeliest tokens.
///
/// Source: A. Fan, M. Lewis, Y. Dauphin, "Hierarchical Neural Story Generation", ACL 2018,
/// arXiv:1805.04833.
package struct TopK: SamplingStep {
  private let k: Int

  package init(_ options: SamplingOptions) { k = options.topK }

  package var isOff: Bool { k == 0 }

  package func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    candidates.keepTop(k)
  }
}
