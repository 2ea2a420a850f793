internal import FoundationEssentials

/// How a session's replies are made, as it is kept with it.
struct SessionSettings: Sendable, Equatable, Codable {
  var maxTokens: Int?
  var sampling: SamplingOptions
  var stopStrings: [String]
  var ignoresEndTokens: Bool
  /// The seed of every reply; nil: each has one of its own, drawn from `draws`.
  var seed: UInt64?
  /// Where the seeds of replies come from.
  var draws: SeededGenerator

  init(_ options: GenerationOptions, draws: SeededGenerator) {
    maxTokens = options.maxTokens
    sampling = options.sampling
    stopStrings = options.stopStrings
    ignoresEndTokens = options.ignoresEndTokens
    seed = options.seed
    self.draws = draws
  }

  var options: GenerationOptions {
    GenerationOptions(
      maxTokens: maxTokens, sampling: sampling, stopStrings: stopStrings,
      ignoresEndTokens: ignoresEndTokens, seed: seed)
  }

  // MARK: - As it is kept

  /// A bias may be infinite, which JSON has no number for.
  private static let infinity = ("inf", "-inf", "nan")

  /// JSON.
  func encoded() -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: Self.infinity.0, negativeInfinity: Self.infinity.1, nan: Self.infinity.2)
    // Numbers and texts: there is nothing that could fail.
    return [UInt8]((try? encoder.encode(self)) ?? Data())
  }

  /// Nil when the bytes are none that this version can read.
  init?(encoded bytes: [UInt8]) {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: Self.infinity.0, negativeInfinity: Self.infinity.1, nan: Self.infinity.2)
    guard let settings = try? decoder.decode(Self.self, from: Data(bytes)),
      (try? settings.options.validate()) != nil
    else { return nil }
    self = settings
  }
}
