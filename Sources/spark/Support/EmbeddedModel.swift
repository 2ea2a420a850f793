import FoundationEssentials

/// The model that ships with Spark, used where none is named.
enum EmbeddedModel {
  static let fileName = "spark-mini.gguf"

  /// Where the default model lies: `SPARK_MODEL` if set, else `models/` beside the program or in a
  /// directory above it (a build inside the checkout), else the share directory of an installation
  /// (`<prefix>/bin/spark` and `<prefix>/share/spark/models/`).
  static func path(executable: String, environment: [String: String])
    throws(EmbeddedModelMissing) -> String
  {
    if let path = environment["SPARK_MODEL"], !path.isEmpty { return path }
    let ancestors = sequence(first: parent(of: executable)) { $0 == "/" ? nil : parent(of: $0) }
    let candidates =
      ancestors.map { join($0, "models", fileName) }
      + [join(parent(of: parent(of: executable)), "share", "spark", "models", fileName)]
    guard let found = candidates.first(where: FileManager.default.isReadableFile) else {
      throw EmbeddedModelMissing(executable: executable)
    }
    return found
  }

  static func path() throws(EmbeddedModelMissing) -> String {
    try path(executable: ProcessEnvironment.executable, environment: ProcessEnvironment.current)
  }

  private static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  private static func join(_ directory: String, _ rest: String...) -> String {
    ([directory == "/" ? "" : directory] + rest).joined(separator: "/")
  }
}

/// No model was named and the one that ships with Spark is not where it should be.
struct EmbeddedModelMissing: Error, CustomStringConvertible {
  var executable: String

  var description: String {
    "no \(EmbeddedModel.fileName) in a models directory above \(executable) or in its prefix's "
      + "share/spark/models; name a GGUF file with --model or SPARK_MODEL."
  }
}
