import ArgumentParser
import Generation

/// How the next token is chosen, under llama.cpp's names and in its order.
struct SamplingFlags: ParsableArguments {
  private static let defaults = SamplingOptions()

  @Option(
    name: [.customLong("temp"), .customLong("temperature")],
    help: "Randomness; 0 takes the likeliest token.")
  var temperature = defaults.temperature

  @Option(help: "Keep the K likeliest tokens; 0 keeps all.")
  var topK = defaults.topK

  @Option(help: "Keep the likeliest tokens that together have this probability; 1 keeps all.")
  var topP = defaults.topP

  @Option(help: "Keep tokens at least this times as likely as the likeliest; 0 keeps all.")
  var minP = defaults.minP

  @Option(
    name: [.customLong("typical"), .customLong("typical-p")],
    help: "Keep the most typical tokens that together have this probability; 1 keeps all.")
  var typical = defaults.typicalP

  @Option(
    parsing: .unconditional,
    help: "Keep tokens within this many standard deviations of the best score; 0 or less keeps all."
  )
  var topNSigma = defaults.topNSigma

  @Option(help: "Chance of leaving out all likely tokens but the least likely of them.")
  var xtcProbability = defaults.xtcProbability

  @Option(help: "Probability from which a token counts as likely for XTC; above 0.5 is off.")
  var xtcThreshold = defaults.xtcThreshold

  @Option(help: "Divide the scores of recent tokens by this; 1 is off.")
  var repeatPenalty = defaults.repetitionPenalty

  @Option(
    parsing: .unconditional,
    help: "How many recent tokens the penalties look at; -1 is the whole context.")
  var repeatLastN = defaults.repetitionWindow

  @Option(
    parsing: .unconditional,
    help: "Subtract this from the score of every recent token; 0 is off.")
  var presencePenalty = defaults.presencePenalty

  @Option(
    parsing: .unconditional,
    help: "Subtract this times its count from the score of every recent token; 0 is off.")
  var frequencyPenalty = defaults.frequencyPenalty

  @Option(help: "Strength of DRY, which penalises what would repeat a passage; 0 is off.")
  var dryMultiplier = defaults.dryMultiplier

  @Option(help: "How fast DRY's penalty grows with the length repeated.")
  var dryBase = defaults.dryBase

  @Option(help: "Tokens that may repeat before DRY acts.")
  var dryAllowedLength = defaults.dryAllowedLength

  @Option(
    parsing: .unconditional,
    help: "How many recent tokens DRY looks at; -1 is the whole context.")
  var dryPenaltyLastN = defaults.dryPenaltyLastN

  @Option(
    name: .customLong("dry-sequence-breaker"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Text that DRY does not look across; may repeat, replacing line ends, colons, quotes and *.",
      valueName: "text"))
  var drySequenceBreakers: [String] = []

  @Option(help: "Tokens that typical, top-p, min-p and XTC leave at least.")
  var minKeep = defaults.minKeep

  @Option(
    help: ArgumentHelp(
      "Add to a token's score, such as 42+1.5 or 42-inf; may repeat.", valueName: "token±bias"))
  var logitBias: [LogitBiasArgument] = []

  @Option(help: "Repeat a run exactly. (default: another one each time)")
  var seed: UInt64?

  func apply(to options: inout GenerationOptions) {
    options.sampling.temperature = temperature
    options.sampling.topK = topK
    options.sampling.topP = topP
    options.sampling.minP = minP
    options.sampling.typicalP = typical
    options.sampling.topNSigma = topNSigma
    options.sampling.xtcProbability = xtcProbability
    options.sampling.xtcThreshold = xtcThreshold
    options.sampling.repetitionPenalty = repeatPenalty
    options.sampling.repetitionWindow = repeatLastN
    options.sampling.presencePenalty = presencePenalty
    options.sampling.frequencyPenalty = frequencyPenalty
    options.sampling.dryMultiplier = dryMultiplier
    options.sampling.dryBase = dryBase
    options.sampling.dryAllowedLength = dryAllowedLength
    options.sampling.dryPenaltyLastN = dryPenaltyLastN
    if !drySequenceBreakers.isEmpty {
      options.sampling.drySequenceBreakers = drySequenceBreakers
    }
    options.sampling.minKeep = minKeep
    options.sampling.logitBias = logitBias.reduce(into: [:]) { $0[$1.token, default: 0] += $1.bias }
    options.seed = seed
  }
}

/// A token id and what is added to its score, written as llama.cpp has it: `42+1.5`, `42-1`, `42-inf`.
struct LogitBiasArgument: ExpressibleByArgument, Sendable {
  var token: TokenID
  var bias: Float

  init?(argument: String) {
    guard let sign = argument.firstIndex(where: { $0 == "+" || $0 == "-" }),
      let token = TokenID(argument[..<sign]), token >= 0, let bias = Float(argument[sign...]),
      !bias.isNaN
    else { return nil }
    self.token = token
    self.bias = bias
  }
}
