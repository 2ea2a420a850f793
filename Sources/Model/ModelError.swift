/// Why a model cannot be loaded or run. The message is one sentence: what is wrong, where, and what
/// to do about it.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  public let message: String

  /// Whether the machine lacks something, rather than the model being wrong.
  package let isAboutMachine: Bool

  package init(_ message: String, isAboutMachine: Bool = false) {
    self.message = message
    self.isAboutMachine = isAboutMachine
  }

  public var description: String { message }
}
