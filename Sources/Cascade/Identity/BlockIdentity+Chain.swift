package import Cache
package import Model

extension BlockIdentity {
  /// The identity before a sequence's first block: everything but the text that a block's bytes
  /// depend on.
  ///
  package static func root(
    model: ModelDigest, layout: KVLayout, plan: RecallPlan, namespace: String
  ) -> BlockIdentity {
    root(model: model, layout: layout, signature: plan.signature, namespace: namespace)
  }

  /// The same for a plan of which nothing is known but its signature.
  package static func root(
    model: ModelDigest, layout: KVLayout, signature: String, namespace: String
  ) -> BlockIdentity {
    var hash = SHA256()
    hash.update(text: "spark block 2")
    hash.update(model.high)
    hash.update(model.low)
    hash.update(UInt32(layout.blockLength))
    hash.update(text: layout.type.rawValue)
    hash.update(text: namespace)
    hash.update(text: signature)
    return BlockIdentity(hash)
  }

  /// The identity before the gists of every namespace: as above, but for what the first block of a
  /// sequence does not depend on.
  package static func gists(
    model: ModelDigest, layout: KVLayout, plan: RecallPlan
  ) -> BlockIdentity {
    var hash = SHA256()
    hash.update(text: "spark gist 1")
    hash.update(model.high)
    hash.update(model.low)
    hash.update(UInt32(layout.blockLength))
    hash.update(text: layout.type.rawValue)
    hash.update(UInt32(plan.sinks))
    if case .sliding(let tokens) = plan.window, tokens < layout.blockLength {
      hash.update(UInt32(tokens))
    }
    return BlockIdentity(hash)
  }

  /// The identity before the gists of one namespace.
  func gists(of namespace: String) -> BlockIdentity {
    var hash = SHA256()
    hash.update(high)
    hash.update(low)
    hash.update(text: namespace)
    return BlockIdentity(hash)
  }

  /// The identity of the block that follows this one with `tokens`.
  ///
  /// - Parameter seen: blocks of other sessions that took part in computing it, in a fixed order. Where
  ///   there are none, whoever reads the same text has the same block.
  /// - Parameter generated: the first token that was generated, where those are not computed like others.
  package func child(
    _ tokens: ArraySlice<TokenID>, seeing seen: [BlockIdentity] = [], generated: Int? = nil
  ) -> BlockIdentity {
    var hash = SHA256()
    hash.update(high)
    hash.update(low)
    hash.update(UInt32(tokens.count))
    for token in tokens { hash.update(token) }
    for block in seen {
      hash.update(block.high)
      hash.update(block.low)
    }
    if let generated {
      hash.update(UInt32.max)
      hash.update(UInt32(generated))
    }
    return BlockIdentity(hash)
  }

  /// The identities of the whole blocks that follow this one with `tokens`, nothing of other sessions
  /// taking part.
  package func chain(_ tokens: ArraySlice<TokenID>, blockLength: Int) -> [BlockIdentity] {
    var chain: [BlockIdentity] = []
    chain.reserveCapacity(tokens.count / blockLength)
    var rest = tokens
    while rest.count >= blockLength {
      chain.append((chain.last ?? self).child(rest.prefix(blockLength)))
      rest = rest.dropFirst(blockLength)
    }
    return chain
  }

  init(_ hash: consuming SHA256) {
    let words = hash.finish()
    self.init(
      high: UInt64(words[0]) << 32 | UInt64(words[1]),
      low: UInt64(words[2]) << 32 | UInt64(words[3]))
  }
}

extension UInt64 {
  /// A number for a name, the same in every process.
  package init(naming name: String...) {
    var hash = SHA256()
    for part in name { hash.update(text: part) }
    let words = hash.finish()
    self = UInt64(words[0]) << 32 | UInt64(words[1])
  }
}
