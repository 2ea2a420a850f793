import Foundation
import Generation

/// The model in `models/`, which the tests of the engine run.
enum EmbeddedModel {
  static let path = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "models/spark-mini.gguf").path

  /// - Parameter usesMemo: whether replies may be told again: what is tested by asking twice has to be made twice.
  static func engine(
    _ options: EngineOptions = EngineOptions(), usesMemo: Bool = false
  ) throws -> Engine {
    var options = options
    if !usesMemo { options.memoBytes = 0 }
    return try Engine(path: path, options: options)
  }
}

/// A whole reply, read from its stream.
struct WholeReply {
  var tokens: [GeneratedToken] = []
  var summary: GenerationSummary?
  var text: String { tokens.map(\.text).joined() }

  init() {}

  init(_ stream: TokenStream, limit: Int = .max) async throws {
    for try await event in stream {
      switch event {
      case .token(let token): tokens.append(token)
      case .finished(let summary): self.summary = summary
      }
      if tokens.count >= limit { return }
    }
  }
}

extension Stepper {
  /// One reply's next event.
  func next(_ turn: Turn) throws -> GenerationEvent? {
    var result: Result<GenerationEvent?, EngineError>?
    while result == nil { advance([turn]) { result = $1 } }
    return try result!.get()
  }
}
