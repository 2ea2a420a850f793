import Generation

/// What `/set` changes, under the names of the options of `spark generate`.
enum ChatSetting: String, CaseIterable {
  case temperature
  case topK = "top-k"
  case topP = "top-p"
  case minP = "min-p"
  case repeatPenalty = "repeat-penalty"
  case presencePenalty = "presence-penalty"
  case frequencyPenalty = "frequency-penalty"
  case maxTokens = "max-tokens"
  case seed

  init?(name: String) {
    self.init(rawValue: name == "temp" ? "temperature" : name)
  }

  func value(in options: GenerationOptions) -> String {
    switch self {
    case .temperature: "\(options.sampling.temperature)"
    case .topK: "\(options.sampling.topK)"
    case .topP: "\(options.sampling.topP)"
    case .minP: "\(options.sampling.minP)"
    case .repeatPenalty: "\(options.sampling.repetitionPenalty)"
    case .presencePenalty: "\(options.sampling.presencePenalty)"
    case .frequencyPenalty: "\(options.sampling.frequencyPenalty)"
    case .maxTokens: "\(options.maxTokens ?? -1)"
    case .seed: options.seed.map { "\($0)" } ?? "random"
    }
  }

  /// The options with another value.
  ///
  /// - Throws: ``InputError`` for one that is none, or out of its range.
  func setting(_ text: String, in options: GenerationOptions) throws -> GenerationOptions {
    var changed = options
    func number<N: LosslessStringConvertible>(_ type: N.Type) throws -> N {
      guard let number = N(text) else { throw InputError("\(rawValue) is a number, not \(text).") }
      return number
    }
    switch self {
    case .temperature: changed.sampling.temperature = try number(Float.self)
    case .topK: changed.sampling.topK = try number(Int.self)
    case .topP: changed.sampling.topP = try number(Float.self)
    case .minP: changed.sampling.minP = try number(Float.self)
    case .repeatPenalty: changed.sampling.repetitionPenalty = try number(Float.self)
    case .presencePenalty: changed.sampling.presencePenalty = try number(Float.self)
    case .frequencyPenalty: changed.sampling.frequencyPenalty = try number(Float.self)
    case .maxTokens:
      let limit = try number(Int.self)
      changed.maxTokens = limit < 0 ? nil : limit
    case .seed: changed.seed = text == "random" ? nil : try number(UInt64.self)
    }
    do {
      try changed.validate()
    } catch {
      throw InputError("\(rawValue) is \(error.value); it must be \(error.allowed).")
    }
    return changed
  }
}
