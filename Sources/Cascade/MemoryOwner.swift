/// Whose a sequence is, and how far its recall may reach.
package struct MemoryOwner: Sendable, Equatable {
  package let scope: MemoryScope
  package let namespace: String
  package let session: String
  /// Whether what is recalled is to be told.
  package let explains: Bool

  package init(
    scope: MemoryScope, namespace: String, session: String, explains: Bool = false
  ) {
    self.scope = scope
    self.namespace = namespace
    self.session = session
    self.explains = explains
  }

  /// The session of what is read and not remembered.
  package static let nobody = ""

  var sessionKey: UInt64 { UInt64(naming: namespace, session) }
}
