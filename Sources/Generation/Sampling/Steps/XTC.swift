/// Exclude Top Choices: now and then removes all likely tokens but the least likely of them.
///
/// Where several tokens reach the threshold each of them makes sense, so the obvious ones can go;
/// where only one does, nothing happens. Uses one random number a step.
///
/// Source: p-e-w, text-generation-webui pull request 6335 (2024); llama.cpp's semantics.
package struct XTC: SamplingStep {
  private let probability: Float
  private let threshold: Float
  private let minKeep: Int

  package init(_ options: SamplingOptions) {
    probability = options.xtcProbability
    threshold = options.xtcThreshold
    minKeep = options.minKeep
  }

  /// Two tokens cannot both be more likely than one half.
  package var isOff: Bool { probability == 0 || threshold > 0.5 }

  package func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    guard context.generator.nextUnit() < Double(probability) else { return }
    candidates.softmax()
    candidates.removeTopChoices(threshold: threshold, minKeep: minKeep)
  }
}
