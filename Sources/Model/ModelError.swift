/// Why a model cannot be loaded or run. The message is one sentence: what is wrong, where, and what
/// to do about it.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  public let message: String

  package init(_ message: String) { self.message = message }

  public var description: String { message }
}
