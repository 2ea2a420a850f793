public import Cascade

/// Whose memory a reply draws on, and adds to.
public struct MemoryOptions: Sendable, Equatable {
  /// How far recall may reach.
  public var scope: MemoryScope
  /// The owner: nothing is ever recalled from another namespace.
  public var namespace: String
  /// The conversation; nil: one of its own, which nobody else can continue.
  public var session: String?

  public init(
    scope: MemoryScope = .session, namespace: String = "default", session: String? = nil
  ) {
    self.scope = scope
    self.namespace = namespace
    self.session = session
  }
}
