import ArgumentParser
import Generation

/// How the next token is chosen, under llama.cpp's names and in its order.
struct SamplingFlags: ParsableArguments {
  private static let defaults = SamplingOptions()

  @Option(
    name: [.customLong("temp"), .customLong("temperature")],
    help: help("Randomness; 0 takes the likeliest token.", or: defaults.temperature))
  var temperature: Float?

  @Option(help: help("Keep the K likeliest tokens; 0 keeps all.", or: defaults.topK))
  var topK: Int?

  @Option(
    help: help(
      "Keep the likeliest tokens that together have this probability; 1 keeps all.",
      or: defaults.topP))
  var topP: Float?

  @Option(
    help: help(
      "Keep tokens at least this times as likely as the likeliest; 0 keeps all.", or: defaults.minP)
  )
  var minP: Float?

  @Option(
    name: [.customLong("typical"), .customLong("typical-p")],
    help: help(
      "Keep the most typical tokens that together have this probability; 1 keeps all.",
      or: defaults.typicalP))
  var typical: Float?

  @Option(
    parsing: .unconditional,
    help: help(
      "Keep tokens within this many standard deviations of the best score; 0 or less keeps all.",
      or: defaults.topNSigma)
  )
  var topNSigma: Float?

  @Option(
    help: help(
      "Chance of leaving out all likely tokens but the least likely of them.",
      or: defaults.xtcProbability))
  var xtcProbability: Float?

  @Option(
    help: help(
      "Probability from which a token counts as likely for XTC; above 0.5 is off.",
      or: defaults.xtcThreshold))
  var xtcThreshold: Float?

  @Option(
    help: help(
      "Divide the scores of recent tokens by this; 1 is off.", or: defaults.repetitionPenalty))
  var repeatPenalty: Float?

  @Option(
    parsing: .unconditional,
    help: help(
      "How many recent tokens the penalties look at; -1 is the whole context.",
      or: defaults.repetitionWindow))
  var repeatLastN: Int?

  @Option(
    parsing: .unconditional,
    help: help(
      "Subtract this from the score of every recent token; 0 is off.", or: defaults.presencePenalty)
  )
  var presencePenalty: Float?

  @Option(
    parsing: .unconditional,
    help: help(
      "Subtract this times its count from the score of every recent token; 0 is off.",
      or: defaults.frequencyPenalty))
  var frequencyPenalty: Float?

  @Option(
    help: help(
      "Strength of DRY, which penalises what would repeat a passage; 0 is off.",
      or: defaults.dryMultiplier))
  var dryMultiplier: Float?

  @Option(
    help: help("How fast DRY's penalty grows with the length repeated.", or: defaults.dryBase))
  var dryBase: Float?

  @Option(help: help("Tokens that may repeat before DRY acts.", or: defaults.dryAllowedLength))
  var dryAllowedLength: Int?

  @Option(
    parsing: .unconditional,
    help: help(
      "How many recent tokens DRY looks at; -1 is the whole context.", or: defaults.dryPenaltyLastN)
  )
  var dryPenaltyLastN: Int?

  @Option(
    name: .customLong("dry-sequence-breaker"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Text that DRY does not look across; may repeat, replacing line ends, colons, quotes and *.",
      valueName: "text"))
  var drySequenceBreakers: [String] = []

  @Option(
    help: help("Tokens that typical, top-p, min-p and XTC leave at least.", or: defaults.minKeep))
  var minKeep: Int?

  @Option(
    help: ArgumentHelp(
      "Add to a token's score, such as 42+1.5 or 42-inf; may repeat.", valueName: "token±bias"))
  var logitBias: [LogitBiasArgument] = []

  @Option(help: "Repeat a run exactly. (default: another one each time; for a batch 0)")
  var seed: UInt64?

  /// The first flag given that does something to a draw and nothing to scores; nil: none is.
  var shapesDraw: String? {
    let flags: [(String, Bool)] = [
      ("--temp", (temperature ?? 0) != 0), ("--top-k", topK != nil), ("--top-p", topP != nil),
      ("--min-p", minP != nil), ("--typical", typical != nil), ("--top-n-sigma", topNSigma != nil),
      ("--xtc-probability", xtcProbability != nil), ("--xtc-threshold", xtcThreshold != nil),
      ("--min-keep", minKeep != nil),
    ]
    return flags.first { $0.1 }?.0
  }

  /// Says what the flags say; what none does stays as it is.
  func apply(to options: inout GenerationOptions) {
    if let temperature { options.sampling.temperature = temperature }
    if let topK { options.sampling.topK = topK }
    if let topP { options.sampling.topP = topP }
    if let minP { options.sampling.minP = minP }
    if let typical { options.sampling.typicalP = typical }
    if let topNSigma { options.sampling.topNSigma = topNSigma }
    if let xtcProbability { options.sampling.xtcProbability = xtcProbability }
    if let xtcThreshold { options.sampling.xtcThreshold = xtcThreshold }
    if let repeatPenalty { options.sampling.repetitionPenalty = repeatPenalty }
    if let repeatLastN { options.sampling.repetitionWindow = repeatLastN }
    if let presencePenalty { options.sampling.presencePenalty = presencePenalty }
    if let frequencyPenalty { options.sampling.frequencyPenalty = frequencyPenalty }
    if let dryMultiplier { options.sampling.dryMultiplier = dryMultiplier }
    if let dryBase { options.sampling.dryBase = dryBase }
    if let dryAllowedLength { options.sampling.dryAllowedLength = dryAllowedLength }
    if let dryPenaltyLastN { options.sampling.dryPenaltyLastN = dryPenaltyLastN }
    if !drySequenceBreakers.isEmpty {
      options.sampling.drySequenceBreakers = drySequenceBreakers
    }
    if let minKeep { options.sampling.minKeep = minKeep }
    if !logitBias.isEmpty {
      options.sampling.logitBias = logitBias.reduce(into: [:]) {
        $0[$1.token, default: 0] += $1.bias
      }
    }
    if let seed { options.seed = seed }
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
