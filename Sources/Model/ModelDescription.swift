/// What a model file holds, without loading its weights.
public struct ModelDescription: Sendable, Equatable {
  /// `general.name`, or the file's name.
  public let name: String
  /// The file, as the caller named it.
  public let path: String
  public let architecture: String
  public let parameterCount: Int
  public let layers: Int
  /// Features of the residual stream.
  public let width: Int
  public let feedForward: Int
  public let heads: Int
  public let kvHeads: Int
  public let headDimension: Int
  public let vocabularySize: Int
  /// The trained context, in tokens.
  public let contextLength: Int
  public let ropeBase: Double
  /// `none`, `linear 4`, `yarn 4`, or `per-frequency factors`.
  public let ropeScaling: String
  /// Each tensor type with the bytes it takes, largest first.
  public let types: [TypeShare]
  public let fileBytes: Int
  /// Bytes of keys and values per token, as 16-bit floats.
  public let keyValueBytesPerToken: Int
  public let tokenizerModel: String?
  public let preTokenizer: String?
  /// The Jinja text of the file's chat template.
  public let chatTemplate: String?

  /// A tensor type and the bytes that tensors of it take.
  public struct TypeShare: Sendable, Equatable {
    public let name: String
    public let bytes: Int
  }

  /// Reads `file`, whose architecture must be a supported one.
  public init(file: GGUFFile) throws(ModelError) {
    let metadata = file.metadata
    let architecture = try Self.architecture(of: file)
    let shape = try Hyperparameters(file: file, architecture: architecture.name)
    path = file.name
    name =
      metadata.string("general.name") ?? file.name.split(separator: "/").last.map(String.init) ?? ""
    self.architecture = architecture.name
    parameterCount = file.tensors.reduce(0) { $0 + $1.elementCount }
    layers = shape.layers
    width = shape.width
    feedForward = shape.feedForward
    heads = shape.heads
    kvHeads = shape.kvHeads
    headDimension = shape.headDimension
    vocabularySize = shape.vocabularySize
    contextLength = shape.contextLength
    ropeBase = shape.ropeBase
    switch shape.ropeScaling {
    case .linear(let factor): ropeScaling = "linear \(factor)"
    case .yarn(let factor, let original, _, _, _): ropeScaling = "yarn \(factor) from \(original)"
    case .none:
      ropeScaling =
        file.tensor(named: "rope_freqs.weight") == nil ? "none" : "per-frequency factors"
    }
    var bytes: [TensorType: Int] = [:]
    for tensor in file.tensors { bytes[tensor.type, default: 0] += tensor.byteCount }
    types = bytes.map { TypeShare(name: $0.key.name, bytes: $0.value) }
      .sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
    fileBytes = file.byteCount
    keyValueBytesPerToken = shape.layers * shape.kvHeads * shape.headDimension * 2 * 2
    tokenizerModel = metadata.string("tokenizer.ggml.model")
    preTokenizer = metadata.string("tokenizer.ggml.pre")
    chatTemplate = metadata.string("tokenizer.chat_template")
  }

  /// The file's architecture, if it is a supported one.
  package static func architecture(of file: GGUFFile) throws(ModelError) -> any Architecture.Type {
    guard let name = file.metadata.string("general.architecture") else {
      throw ModelError(
        "\(file.name): metadata key 'general.architecture' is missing; this is not a model file.")
    }
    guard let architecture = architectures.first(where: { $0.name == name }) else {
      throw ModelError(
        "\(file.name): architecture '\(name)' is not supported; supported are "
          + architectures.map { $0.name }.joined(separator: ", ") + ".")
    }
    return architecture
  }
}
