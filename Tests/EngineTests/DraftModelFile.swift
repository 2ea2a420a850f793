import Foundation
import Generation

/// Copies of the embedded model with a few bytes changed, to draft with.
enum DraftModelFile {
  /// Calls `body` with a copy that has the first `layers` layers alone: bad at guessing.
  static func shallow<R>(layers: UInt32, _ body: (String) async throws -> R) async throws -> R {
    try await changed(body) { bytes in
      // A key of 32 bits follows its name and type.
      let place = try range(of: "llama.block_count", in: bytes).upperBound + 4
      withUnsafeBytes(of: layers.littleEndian) {
        bytes.replaceSubrange(place..<place + 4, with: $0)
      }
    }
  }

  /// The same with another spelling of one token.
  static func misspelt<R>(_ body: (String) async throws -> R) async throws -> R {
    try await changed(body) { bytes in
      let place = try range(of: "lephant", in: bytes).lowerBound
      bytes[place] = UInt8(ascii: "X")
    }
  }

  private static func range(of text: String, in data: Data) throws -> Range<Data.Index> {
    guard let range = data.range(of: Data(text.utf8)) else {
      throw CocoaError(.fileReadCorruptFile)
    }
    return range
  }

  private static func changed<R>(
    _ body: (String) async throws -> R, _ change: (inout Data) throws -> Void
  ) async throws -> R {
    var bytes = try Data(contentsOf: URL(filePath: EmbeddedModel.path))
    try change(&bytes)
    let file = FileManager.default.temporaryDirectory.appending(path: "spark-\(UUID()).gguf")
    defer { try? FileManager.default.removeItem(at: file) }
    try bytes.write(to: file)
    return try await body(file.path)
  }
}
