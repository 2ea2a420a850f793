/// What was forgotten, and when: a record is dead if a tombstone with a greater sequence covers it.
struct Tombstones: Sendable {
  private(set) var sequences: [BlockScope: UInt64] = [:]

  mutating func add(_ scope: BlockScope, sequence: UInt64) {
    sequences[scope] = max(sequences[scope] ?? 0, sequence)
  }

  func covers(_ identity: BlockIdentity, _ attributes: BlockAttributes, sequence: UInt64) -> Bool {
    guard !sequences.isEmpty else { return false }
    let scopes: [4 of BlockScope] = [
      .block(identity), .session(attributes.session), .namespace(attributes.namespace),
      .model(attributes.model),
    ]
    for index in scopes.indices {
      if let forgotten = sequences[scopes[index]], forgotten > sequence { return true }
    }
    return false
  }
}
