/// The numbers that shape a decoder-only transformer, as its GGUF file gives them.
package struct Hyperparameters: Sendable, Equatable {
  package var layers: Int
  package var width: Int
  package var feedForward: Int
  package var heads: Int
  package var kvHeads: Int
  package var headDimension: Int
  package var rotary: Int
  package var vocabularySize: Int
  /// The trained context, in tokens.
  package var contextLength: Int
  package var normEpsilon: Float
  package var ropeBase: Double
  package var ropeScaling: RoPEScaling

  /// Reads the keys `<architecture>.…` of the GGUF specification.
  package init(file: GGUFFile, architecture: String) throws(ModelError) {
    let metadata = file.metadata
    func missing(_ key: String) -> ModelError {
      ModelError(
        "\(file.name): metadata key '\(architecture).\(key)' is missing or out of range; "
          + "the file is incomplete, convert or download it again.")
    }
    func integer(_ key: String, in range: ClosedRange<Int>) throws(ModelError) -> Int {
      guard let value = metadata.integer("\(architecture).\(key)"), range.contains(value) else {
        throw missing(key)
      }
      return value
    }
    func optionalInteger(
      _ key: String, in range: ClosedRange<Int>, default value: Int
    ) throws(ModelError) -> Int {
      metadata.contains("\(architecture).\(key)") ? try integer(key, in: range) : value
    }

    layers = try integer("block_count", in: 1...1024)
    width = try integer("embedding_length", in: 1...65536)
    contextLength = try integer("context_length", in: 1...(1 << 24))
    heads = try integer("attention.head_count", in: 1...1024)
    kvHeads = try optionalInteger("attention.head_count_kv", in: 1...heads, default: heads)
    guard heads % kvHeads == 0 else { throw missing("attention.head_count_kv") }
    feedForward = try integer("feed_forward_length", in: 1...(1 << 20))
    headDimension = try optionalInteger(
      "attention.key_length", in: 2...512, default: width / heads)
    guard (2...512).contains(headDimension) else { throw missing("attention.key_length") }
    let valueDimension = try optionalInteger(
      "attention.value_length", in: 1...512, default: headDimension)
    guard valueDimension == headDimension else {
      throw ModelError(
        "\(file.name): keys of \(headDimension) and values of \(valueDimension) dimensions; "
          + "only equal ones are supported.")
    }
    rotary = try optionalInteger(
      "rope.dimension_count", in: 2...headDimension, default: headDimension)
    guard rotary % 2 == 0 else { throw missing("rope.dimension_count") }
    if let experts = metadata.integer("\(architecture).expert_count"), experts > 0 {
      throw ModelError(
        "\(file.name): a mixture of \(experts) experts; only dense models are supported.")
    }

    guard let embedding = file.tensor(named: "token_embd.weight"), embedding.shape.count == 2 else {
      throw ModelError(
        "\(file.name): tensor 'token_embd.weight' is missing; "
          + "this is a vocabulary or an adapter, not a whole model.")
    }
    guard embedding.shape[0] == width, (1...(1 << 24)).contains(embedding.shape[1]) else {
      throw ModelError(
        "\(file.name): tensor 'token_embd.weight' has shape \(embedding.shape), but the metadata "
          + "needs rows of \(width); the file mixes two models or is damaged.")
    }
    vocabularySize = embedding.shape[1]

    let epsilon = metadata.float("\(architecture).attention.layer_norm_rms_epsilon")
    guard let epsilon, epsilon >= 0, epsilon < 1 else {
      throw missing("attention.layer_norm_rms_epsilon")
    }
    normEpsilon = Float(epsilon)
    ropeBase = metadata.float("\(architecture).rope.freq_base") ?? 10_000
    guard ropeBase > 1, ropeBase.isFinite else { throw missing("rope.freq_base") }
    ropeScaling = try Self.scaling(
      file: file, architecture: architecture, contextLength: contextLength)
  }

  private static func scaling(
    file: GGUFFile, architecture: String, contextLength: Int
  ) throws(ModelError) -> RoPEScaling {
    let metadata = file.metadata
    let prefix = "\(architecture).rope"
    // Files from before 2023-10 have the factor alone, meaning linear.
    let factor =
      metadata.float("\(prefix).scaling.factor") ?? metadata.float("\(prefix).scale_linear") ?? 1
    guard factor > 0, factor.isFinite else {
      throw ModelError("\(file.name): RoPE scaling factor \(factor) is not a positive number.")
    }
    switch metadata.string("\(prefix).scaling.type") ?? (factor == 1 ? "none" : "linear") {
    case "none": return .none
    case "linear": return factor == 1 ? .none : .linear(factor: factor)
    case "yarn":
      return .yarn(
        factor: factor,
        originalContext: metadata.integer("\(prefix).scaling.original_context_length")
          ?? contextLength,
        attentionFactor: metadata.float("\(prefix).scaling.attn_factor") ?? 1,
        betaFast: metadata.float("\(prefix).scaling.yarn_beta_fast") ?? 32,
        betaSlow: metadata.float("\(prefix).scaling.yarn_beta_slow") ?? 1)
    case let other:
      throw ModelError(
        "\(file.name): RoPE scaling '\(other)' is not supported; "
          + "supported are none, linear and yarn.")
    }
  }
}
