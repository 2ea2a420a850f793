package import Scheduling

/// What one line of a batch asks for.
///
/// In JSON its keys are those of ``Key``, and no others. What it leaves out, the batch says.
package struct BatchJob: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// Text to continue, or to answer where the batch is a chat.
    case prompt(String)
    /// A conversation to answer.
    case messages([ChatMessage])
  }

  /// How the result refers to it; nil: by its line alone.
  package var id: JobID?
  package var content: Content
  /// What the model is told to be.
  package var system: String?
  package var namespace: String?
  package var priority: Priority?
  package var seed: UInt64?
  /// Changes of the batch's options.
  package var maxTokens: Int?
  package var stop: [String]?
  package var ignoreEOS: Bool?
  package var sampling = SamplingChanges()

  package init(_ content: Content) { self.content = content }

  /// The batch's options with what this one changes.
  package func options(over base: GenerationOptions) -> GenerationOptions {
    var options = base
    if let maxTokens { options.maxTokens = maxTokens < 0 ? nil : maxTokens }
    if let stop { options.stopStrings = stop }
    if let ignoreEOS { options.ignoresEndTokens = ignoreEOS }
    if let priority { options.priority = priority }
    if let namespace { options.memory.namespace = namespace }
    if let seed { options.seed = seed }
    sampling.apply(to: &options.sampling)
    return options
  }
}

/// A name that whoever wrote a batch gave to a prompt: a text or a whole number, and told as it was.
package enum JobID: Sendable, Hashable, Codable {
  case text(String)
  case number(Int)

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int.self) {
      self = .number(number)
    } else {
      self = .text(try container.decode(String.self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let text): try container.encode(text)
    case .number(let number): try container.encode(number)
    }
  }
}

/// What a prompt of a batch changes of how tokens are chosen; nil: nothing.
package struct SamplingChanges: Sendable, Equatable {
  package var temperature: Float?
  package var topK: Int?
  package var topP: Float?
  package var minP: Float?
  package var typicalP: Float?
  package var repetitionPenalty: Float?
  package var presencePenalty: Float?
  package var frequencyPenalty: Float?

  package init() {}

  func apply(to options: inout SamplingOptions) {
    if let temperature { options.temperature = temperature }
    if let topK { options.topK = topK }
    if let topP { options.topP = topP }
    if let minP { options.minP = minP }
    if let typicalP { options.typicalP = typicalP }
    if let repetitionPenalty { options.repetitionPenalty = repetitionPenalty }
    if let presencePenalty { options.presencePenalty = presencePenalty }
    if let frequencyPenalty { options.frequencyPenalty = frequencyPenalty }
  }
}
