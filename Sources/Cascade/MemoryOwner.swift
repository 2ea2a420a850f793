package import Cache

/// Whose a sequence is, and how far its recall may reach.
package struct MemoryOwner: Sendable, Equatable {
  package let scope: MemoryScope
  package let namespace: String
  package let session: String
  /// Whether what is recalled is to be told.
  package let explains: Bool
  /// What it leaves: what was said, or a gist of it.
  package let kind: MemoryKind

  package init(
    scope: MemoryScope, namespace: String, session: String, explains: Bool = false,
    kind: MemoryKind = .episodic
  ) {
    self.scope = scope
    self.namespace = namespace
    self.session = session
    self.explains = explains
    self.kind = kind
  }

  /// Who keeps the gists of a namespace.
  package static func concepts(of namespace: String) -> MemoryOwner {
    MemoryOwner(scope: .session, namespace: namespace, session: "concept", kind: .semantic)
  }

  /// The session of what is read and not remembered.
  package static let nobody = ""

  var sessionKey: UInt64 { UInt64(naming: namespace, session) }
}
