/// Why a file cannot be used as a GGUF model.
///
/// The sentence names the file, what was found where, and what to do about it. There are no codes,
/// since no caller can repair a model file: it can only show the sentence.
public struct GGUFError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let file: String

  /// What is wrong with it.
  public let message: String

  package init(file: String, message: String) {
    self.file = file
    self.message = message
  }

  public var description: String { "\(file): \(message)" }
}
