package import Foundation

/// Files that tests read, in the folder `Fixtures` beside the test that asks.
package enum Fixture {
  /// The bytes of `Fixtures/relativePath`, decompressed where the name ends in `.zst`.
  package static func bytes(
    _ relativePath: String, testFile: String = #filePath
  ) throws -> [UInt8] {
    let bytes = [UInt8](try Data(contentsOf: url(relativePath, testFile: testFile)))
    guard relativePath.hasSuffix(".zst") else { return bytes }
    return try Zstd.decompress(bytes, limit: 64 << 20)
  }

  /// The text of `Fixtures/relativePath`.
  package static func text(_ relativePath: String, testFile: String = #filePath) throws -> String {
    String(decoding: try bytes(relativePath, testFile: testFile), as: UTF8.self)
  }

  /// Where `Fixtures/relativePath` is.
  package static func url(_ relativePath: String, testFile: String = #filePath) -> URL {
    URL(filePath: testFile).deletingLastPathComponent().appending(path: "Fixtures/\(relativePath)")
  }

  /// A file of the repository, such as `models/spark-mini.gguf`.
  package static func repositoryPath(_ relativePath: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: relativePath).path
  }
}
