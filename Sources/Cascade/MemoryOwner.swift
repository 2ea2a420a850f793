/// Whose a sequence is, and how far its recall may reach.
package struct MemoryOwner: Sendable, Equatable {
  package let scope: MemoryScope
  package let namespace: String
  package let session: String

  package init(scope: MemoryScope, namespace: String, session: String) {
    self.scope = scope
    self.namespace = namespace
    self.session = session
  }

  var sessionKey: UInt64 { UInt64(naming: namespace, session) }
}
