import ArgumentParser
import Generation

/// `spark model show`: what a model file holds.
struct ModelShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Describe a model file, without loading its weights.")

  @Argument(help: ArgumentHelp("The GGUF file.", valueName: "file"))
  var model: String

  @Flag(help: "Write one JSON object.")
  var json = false

  func run() throws {
    let record = ModelRecord(try ModelDescription(file: GGUFFile(path: model)))
    if json {
      try Output.standard.writeJSONLine(record)
    } else {
      try Output.standard.write(record.table)
    }
  }
}

/// A model's description, in JSON's words and as a table for people.
private struct ModelRecord: Encodable {
  var name: String
  var file: String
  var fileBytes: Int
  var architecture: String
  var parameterCount: Int
  var layers: Int
  var width: Int
  var feedForward: Int
  var heads: Int
  var keyValueHeads: Int
  var headDimension: Int
  var contextLength: Int
  var ropeBase: Double
  var ropeScaling: String
  var vocabularySize: Int
  var tokenizer: String?
  var preTokenizer: String?
  /// The chat format's name; missing where there is none that Spark knows.
  var chatTemplate: String?
  var hasChatTemplate: Bool
  var tensorTypes: [TypeShare]
  var keyValueBytesPerToken: Int

  struct TypeShare: Encodable {
    var type: String
    var bytes: Int
  }

  init(_ model: ModelDescription) {
    name = model.name
    file = model.path
    fileBytes = model.fileBytes
    architecture = model.architecture
    parameterCount = model.parameterCount
    layers = model.layers
    width = model.width
    feedForward = model.feedForward
    heads = model.heads
    keyValueHeads = model.kvHeads
    headDimension = model.headDimension
    contextLength = model.contextLength
    ropeBase = model.ropeBase
    ropeScaling = model.ropeScaling
    vocabularySize = model.vocabularySize
    tokenizer = model.tokenizerModel
    preTokenizer = model.preTokenizer
    chatTemplate = ChatTemplate.recognise(model.chatTemplate)?.name
    hasChatTemplate = model.chatTemplate != nil
    tensorTypes = model.types.map { TypeShare(type: $0.name, bytes: $0.bytes) }
    keyValueBytesPerToken = model.keyValueBytesPerToken
  }

  var table: String {
    let chat = chatTemplate ?? (hasChatTemplate ? "one that Spark does not know" : "none")
    let rows = [
      ("name", name),
      ("file", "\(file), \(fileBytes.inBytes)"),
      ("architecture", architecture),
      ("parameters", parameterCount.inMillions),
      ("layers", "\(layers)"),
      ("width", "\(width), feed-forward \(feedForward)"),
      ("heads", "\(heads) over \(keyValueHeads) key-value heads of \(headDimension)"),
      ("context", "\(contextLength) tokens, RoPE base \(ropeBase), scaling \(ropeScaling)"),
      (
        "vocabulary",
        "\(vocabularySize) tokens, \(tokenizer ?? "no tokenizer")"
          + (preTokenizer.map { ", \($0)" } ?? "")
      ),
      ("chat format", chat),
      ("weights", tensorTypes.map { "\($0.type) \($0.bytes.inBytes)" }.joined(separator: ", ")),
      ("cache", "\(keyValueBytesPerToken) bytes per token, as f16"),
    ]
    let widest = rows.map(\.0.count).max() ?? 0
    return rows.map { row in
      row.0 + String(repeating: " ", count: widest - row.0.count + 2) + row.1 + "\n"
    }.joined()
  }
}

extension Int {
  /// A count, as `8.4 million`.
  fileprivate var inMillions: String { "\((Double(self) / 1e6).inTenths) million" }
}
