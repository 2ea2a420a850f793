/// A part of a step that time is booked to.
public enum ProfileModule: Int, Sendable, CaseIterable {
  /// Rows of the embedding matrix.
  case embedding
  /// RMS norms, with the rounding to bytes that products read.
  case norm
  /// Queries, keys and values of the normalized stream.
  case queryKeyValue
  /// RoPE of keys, and their way into blocks with the values.
  case keyValueStore
  /// Choosing blocks from before the window: the index, and laying out what was found.
  case retrieval
  /// Getting such blocks, and those that a prompt goes on from, out of the tiers: copies, decompression, disk.
  case fetch
  /// RoPE of queries, scores, softmax, and the sum of values.
  case attention
  /// The product of what was attended with the output matrix.
  case attentionOutput
  /// The feed-forward's first two products.
  case gateUp
  /// SwiGLU.
  case activation
  /// The feed-forward's last product.
  case down
  /// Scores of the whole vocabulary.
  case head
  /// Samplers, and the next beams of a search.
  case sampling
  /// Guessing tokens, by whatever model or layers.
  case drafts
  /// Blocks on their way out of the window, into memory.
  case eviction
  /// The rest of the step: views, bookkeeping, text.
  case other

  /// The name in tables.
  public var title: String {
    switch self {
    case .queryKeyValue: "qkv"
    case .keyValueStore: "rope, store kv"
    case .attentionOutput: "attention output"
    case .gateUp: "gate, up"
    default: "\(self)"
    }
  }

  /// The name in JSON.
  public var identifier: String {
    switch self {
    case .queryKeyValue: "qkv"
    case .keyValueStore: "store_kv"
    case .attentionOutput: "attention_output"
    case .gateUp: "gate_up"
    default: "\(self)"
    }
  }
}

/// What a step was for.
public enum ProfilePhase: Int, Sendable, CaseIterable {
  /// Prompts alone were read.
  case prefill
  /// Prompts were read beside sequences that each were given a token.
  case mixed
  /// Tokens alone were generated.
  case decode
}
