internal import Cascade
internal import Model

/// Texts as vectors.
extension Stepper {
  /// The mean, or the last, of the tokens' last hidden states, of length 1: [width].
  func embedding(
    of tokens: [TokenID], pooling: EmbeddingPooling, isCancelled: () -> Bool
  ) throws -> [Float] {
    let reply = try measured(tokens)
    defer { end(reply) }
    let pass = pass
    pass.givesStatesOnly = true
    defer { pass.givesStatesOnly = false }
    let width = model.shape.width
    var sum = [Double](repeating: 0, count: width)
    for start in stride(from: 0, to: tokens.count, by: step.maxLogitRows) {
      if isCancelled() { throw CancellationError() }
      let end = min(start + step.maxLogitRows, tokens.count)
      let rows = pooling == .mean ? end - start : end == tokens.count ? 1 : 0
      run(tokens.span.extracting(start..<end), reply.state!.memory, logits: rows)
      for row in 0..<rows {
        let state = pass.state(row)
        for index in 0..<width { sum[index] += Double(state[index]) }
      }
    }
    let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return sum.map { length > 0 ? Float($0 / length) : 0 }
  }
}
