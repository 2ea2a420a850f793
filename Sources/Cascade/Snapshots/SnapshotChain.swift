internal import Cache
internal import Model

/// What the blocks of a snapshot are to be called where they come to.
struct SnapshotChain {
  /// The identity before the first block.
  var root: BlockIdentity
  /// Of the places from the first on, the tail included; those behind them are not kept.
  var identities: [BlockIdentity]
  /// Whether the session goes on from them. Without, they are what anyone finds who reads its text.
  var isStored: Bool
  /// Why not.
  var reason: String?
}

extension SnapshotContents {
  /// The identities of blocks that saw nothing but the text behind `parent`. A tail that is not there
  /// gets none.
  func chain(
    from parent: BlockIdentity, _ sequence: SnapshotHeader.Sequence, tailTokens: Int?
  ) -> [BlockIdentity] {
    var chain: [BlockIdentity] = []
    for place in blocks.indices {
      chain.append((chain.last ?? parent).child(tokens(of: place, sequence)))
    }
    if tail != nil, let tailTokens {
      chain.append(
        (chain.last ?? parent).child(tokens(of: blocks.count, sequence).prefix(tailTokens)))
    }
    return chain
  }

  /// Chooses what blocks are called in `namespace`.
  ///
  /// Where nothing else has changed they keep their identities. In another namespace they get those that
  /// reading the text there would give, provided that they are of nothing but the text: what other
  /// sessions of the first namespace took part in may not leave it. What a lossy codec was between gets
  /// identities that nobody else finds: equal identities mean equal bytes.
  ///
  /// - Parameter file: the checksum of the whole snapshot, which stands for its bytes.
  func target(
    in namespace: String, of header: SnapshotHeader, model: ModelDigest, tailTokens: Int?,
    file: UInt64
  ) -> SnapshotChain? {
    guard let sequence = header.sequence else { return nil }
    let isPacked = !sequence.codec.isLossless
    var root = sequence.root
    let derived = chain(from: root, sequence, tailTokens: tailTokens)
    let pure = zip(derived, chain).prefix { $0 == $1 }.count
    if namespace != header.namespace {
      guard let signature = sequence.signature else {
        return SnapshotChain(
          root: root, identities: [], isStored: false,
          reason:
            "what its blocks depend on is not known, and so not what they are in another namespace")
      }
      root = .root(
        model: model, layout: sequence.layout, signature: signature, namespace: namespace)
      guard pure == derived.count else {
        let kept = chain(from: root, sequence, tailTokens: tailTokens)
        return SnapshotChain(
          root: root, identities: isPacked ? [] : Array(kept.prefix(pure)), isStored: false,
          reason:
            "other sessions of the namespace \(header.namespace) took part in its blocks, what it recalled came too late, or what it generated was not computed as text that is read is"
        )
      }
    }
    if isPacked {
      let marker = BlockIdentity(high: file, low: UInt64(naming: "spark snapshot", "packed"))
      let parent = root.child([], seeing: [marker])
      return SnapshotChain(
        root: root, identities: chain(from: parent, sequence, tailTokens: tailTokens),
        isStored: true)
    }
    let identities =
      namespace == header.namespace
      ? chain : chain(from: root, sequence, tailTokens: tailTokens)
    return SnapshotChain(root: root, identities: identities, isStored: true)
  }
}
