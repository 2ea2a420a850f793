/// Why a model file's tokenizer cannot be used.
public struct TokenizerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, where, and what to do.
  public let message: String

  package init(_ message: String) { self.message = message }

  public var description: String { message }
}
