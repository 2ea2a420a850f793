public import Cascade

/// Whose memory a reply draws on, and adds to.
public struct MemoryOptions: Sendable, Equatable {
  /// How far recall may reach.
  public var scope: MemoryScope
  /// The owner: nothing is ever recalled from another namespace.
  public var namespace: String
  /// The conversation; nil: one of its own, which nobody else can continue.
  public var session: String?
  /// Whether the reply's account tells which passages were recalled.
  public var explains: Bool

  public init(
    scope: MemoryScope = .session, namespace: String = "default", session: String? = nil,
    explains: Bool = false
  ) {
    self.scope = scope
    self.namespace = namespace
    self.session = session
    self.explains = explains
  }
}
