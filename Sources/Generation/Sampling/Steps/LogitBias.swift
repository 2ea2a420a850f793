import Model

/// Adds a constant to the logits of single tokens; minus infinity bans a token.
package struct LogitBias: SamplingStep {
  private let biases: [(token: TokenID, bias: Float)]

  package init(_ options: SamplingOptions) {
    biases = options.logitBias.map { (token: $0.key, bias: $0.value) }
  }

  package var isOff: Bool { biases.isEmpty }

  package func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    for index in biases.indices {
      candidates[token: biases[index].token] += biases[index].bias
    }
  }
}
