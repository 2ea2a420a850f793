public import Model

/// How the next token is chosen from the logits.
///
/// The steps run in the order that llama.cpp documents, each on what the one before left over:
///
///     logit bias → repetition, presence and frequency penalties → DRY → top-nσ → top-k
///     → typical → top-p → min-p → XTC → temperature → draw
///
/// Truncation therefore looks at the model's own distribution, before temperature flattens or
/// sharpens it. Names are llama.cpp's in Swift spelling.
public struct SamplingOptions: Sendable, Equatable, Codable {
  /// Divides the logits before the draw: below 1 sharpens, above 1 flattens. 0 is greedy: the
  /// likeliest token after bias, penalties and DRY; all other steps are skipped.
  public var temperature: Float
  /// Keeps the `topK` likeliest tokens; 0 is off.
  public var topK: Int
  /// Keeps the smallest set of likeliest tokens whose probability reaches `topP`; 1 is off.
  public var topP: Float
  /// Drops tokens less likely than `minP` times the likeliest; 0 is off.
  public var minP: Float
  /// Keeps the most typical tokens, up to this probability; 1 is off.
  public var typicalP: Float
  /// Keeps logits within this many standard deviations of the largest; 0 or less is off.
  public var topNSigma: Float
  /// How often XTC takes part in a step, 0...1; 0 is off.
  public var xtcProbability: Float
  /// Tokens at least this likely are "top choices" to XTC; above 0.5 it is off.
  public var xtcThreshold: Float
  /// Divides the logits of recent tokens (multiplies where negative); 1 is off, 1.1 typical.
  public var repetitionPenalty: Float
  /// How many recent tokens the three penalties look at (`repeat_last_n`); 0 is off, -1 the whole
  /// context.
  public var repetitionWindow: Int
  /// Subtracted from the logit of every recent token, once.
  public var presencePenalty: Float
  /// Subtracted from the logit of every recent token, for each time it occurs.
  public var frequencyPenalty: Float
  /// Strength of DRY; 0 is off.
  public var dryMultiplier: Float
  /// How fast DRY's penalty grows with the length of the repetition.
  public var dryBase: Float
  /// Repetitions up to this many tokens go free.
  public var dryAllowedLength: Int
  /// How many recent tokens DRY searches for repetitions; 0 is off, -1 the whole context.
  public var dryPenaltyLastN: Int
  /// Texts that a repetition does not reach across.
  public var drySequenceBreakers: [String]
  /// Added to the logits of single tokens; minus infinity bans a token.
  public var logitBias: [TokenID: Float]
  /// Typical, top-p, min-p and XTC leave at least this many tokens.
  public var minKeep: Int

  public init(
    temperature: Float = 0.7,
    topK: Int = 40,
    topP: Float = 0.9,
    minP: Float = 0.05,
    typicalP: Float = 1,
    topNSigma: Float = -1,
    xtcProbability: Float = 0,
    xtcThreshold: Float = 0.1,
    repetitionPenalty: Float = 1,
    repetitionWindow: Int = 64,
    presencePenalty: Float = 0,
    frequencyPenalty: Float = 0,
    dryMultiplier: Float = 0,
    dryBase: Float = 1.75,
    dryAllowedLength: Int = 2,
    dryPenaltyLastN: Int = -1,
    drySequenceBreakers: [String] = ["\n", ":", "\"", "*"],
    logitBias: [TokenID: Float] = [:],
    minKeep: Int = 1
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.typicalP = typicalP
    self.topNSigma = topNSigma
    self.xtcProbability = xtcProbability
    self.xtcThreshold = xtcThreshold
    self.repetitionPenalty = repetitionPenalty
    self.repetitionWindow = repetitionWindow
    self.presencePenalty = presencePenalty
    self.frequencyPenalty = frequencyPenalty
    self.dryMultiplier = dryMultiplier
    self.dryBase = dryBase
    self.dryAllowedLength = dryAllowedLength
    self.dryPenaltyLastN = dryPenaltyLastN
    self.drySequenceBreakers = drySequenceBreakers
    self.logitBias = logitBias
    self.minKeep = minKeep
  }

  /// The likeliest token at every step.
  public static let greedy = SamplingOptions(temperature: 0)

  /// The model's own distribution: every step off but the draw.
  public static let unmodified = SamplingOptions(temperature: 1, topK: 0, topP: 1, minP: 0)
}

extension SamplingOptions {
  /// Checks every option against its range.
  ///
  /// - Parameter vocabularySize: As for ``GenerationOptions/validate(vocabularySize:)``.
  public func validate(vocabularySize: Int? = nil) throws(OptionsError) {
    try requireNonNegative("temperature", temperature)
    try require(topK >= 0, "topK", "\(topK)", "0 (off) or more")
    try requireFraction("topP", topP)
    try requireFraction("minP", minP)
    try requireFraction("typicalP", typicalP)
    try require(
      topNSigma.isFinite, "topNSigma", "\(topNSigma)", "a finite number; 0 or less is off")
    try requireFraction("xtcProbability", xtcProbability)
    try requireFraction("xtcThreshold", xtcThreshold)
    try require(
      repetitionPenalty > 0 && repetitionPenalty.isFinite, "repetitionPenalty",
      "\(repetitionPenalty)", "a finite number above 0; 1 is off")
    try requireWindow("repetitionWindow", repetitionWindow)
    try requireFinite("presencePenalty", presencePenalty)
    try requireFinite("frequencyPenalty", frequencyPenalty)
    try requireNonNegative("dryMultiplier", dryMultiplier)
    try require(
      dryBase >= 1 && dryBase.isFinite, "dryBase", "\(dryBase)", "a finite number of at least 1")
    try require(dryAllowedLength >= 1, "dryAllowedLength", "\(dryAllowedLength)", "1 or more")
    try requireWindow("dryPenaltyLastN", dryPenaltyLastN)
    try require(
      !drySequenceBreakers.contains(""), "drySequenceBreakers", "an empty text",
      "texts of at least one character")
    try require(minKeep >= 1, "minKeep", "\(minKeep)", "1 or more")
    // Sorted, so that the same options always report the same entry.
    for (token, bias) in logitBias.sorted(by: { $0.key < $1.key }) {
      try require(
        token >= 0 && Int(token) < vocabularySize ?? .max, "logitBias", "for token \(token)",
        vocabularySize.map { "for a token between 0 and \($0 - 1)" } ?? "for a token of 0 or more")
      try require(
        bias.isFinite || bias == -.infinity, "logitBias[\(token)]", "\(bias)",
        "a finite number, or minus infinity to ban the token")
    }
  }
}

private func requireFraction(_ option: String, _ value: Float) throws(OptionsError) {
  try require((0...1).contains(value), option, "\(value)", "between 0 and 1")
}

private func requireNonNegative(_ option: String, _ value: Float) throws(OptionsError) {
  try require(value >= 0 && value.isFinite, option, "\(value)", "a finite number of 0 or more")
}

private func requireFinite(_ option: String, _ value: Float) throws(OptionsError) {
  try require(value.isFinite, option, "\(value)", "a finite number")
}

private func requireWindow(_ option: String, _ value: Int) throws(OptionsError) {
  try require(
    (-1...1_048_576).contains(value), option, "\(value)",
    "a number of tokens up to 1048576, 0 (off) or -1 (the whole context)")
}
