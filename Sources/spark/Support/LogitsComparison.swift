import Model

#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// How far scores with another cache are from those with the exact one, position by position.
struct LogitsComparison {
  /// Sums of -log p of the tokens that follow.
  private var exactSurprise = 0.0
  private var surprise = 0.0
  private var divergences: [Double] = []
  private var agreements = 0

  var positions: Int { divergences.count }
  var exactPerplexity: Double { exp(exactSurprise / Double(positions)) }
  var perplexity: Double { exp(surprise / Double(positions)) }
  /// Kullback-Leibler divergence of the scores' distributions from the exact ones, in nats.
  var meanDivergence: Double { divergences.reduce(0, +) / Double(positions) }
  var p99Divergence: Double {
    divergences.sorted()[min(positions - 1, positions * 99 / 100)]
  }
  /// Share of positions where both find the same token the likeliest.
  var agreement: Double { Double(agreements) / Double(positions) }

  /// Adds a run of positions: scores [positions][vocabulary] of both, and the tokens that follow.
  mutating func add(exact: [Float], other: [Float], following: ArraySlice<TokenID>) {
    let width = exact.count / following.count
    for (row, token) in following.enumerated() {
      let range = row * width..<(row + 1) * width
      let p = LogSoftmax(exact[range])
      let q = LogSoftmax(other[range])
      exactSurprise -= p[Int(token)]
      surprise -= q[Int(token)]
      if p.largest == q.largest { agreements += 1 }
      var divergence = 0.0
      for index in 0..<width { divergence += exp(p[index]) * (p[index] - q[index]) }
      divergences.append(max(divergence, 0))
    }
  }

  /// Scores as log-probabilities.
  private struct LogSoftmax {
    private let logits: ArraySlice<Float>
    private let offset: Double
    /// The place of the largest.
    let largest: Int

    init(_ logits: ArraySlice<Float>) {
      var largest = logits.startIndex
      for index in logits.indices where logits[index] > logits[largest] { largest = index }
      let top = Double(logits[largest])
      var sum = 0.0
      for logit in logits { sum += exp(Double(logit) - top) }
      self.logits = logits
      self.largest = largest - logits.startIndex
      offset = top + log(sum)
    }

    subscript(index: Int) -> Double { Double(logits[logits.startIndex + index]) - offset }
  }
}
