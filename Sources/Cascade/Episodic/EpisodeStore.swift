package import Cache
package import Model

/// Where blocks go when they leave a window, and where they come back from: the tiered store, told
/// what a block of this model is.
///
/// Used on the compute thread; the store below it works on threads of its own.
@safe
package final class EpisodeStore {
  package let tiers: TieredStore
  package let layout: KVLayout
  package let plan: RecallPlan
  package let model: ModelDigest
  let rarity: TokenRarity
  let marks: TokenMarks
  private let summary: BlockSummary
  private let rope: RoPETable
  /// Seconds since 1970.
  package let now: @Sendable () -> Int64
  /// Called when anything has been forgotten, for whoever may still have it.
  package var onForgetting: (() -> Void)?
  private(set) var pasts: [String: PastMemory] = [:]
  /// The store's folder; nil when there is none.
  package let directory: String?
  /// Nil before it is wanted.
  var openCatalog: Catalog?
  /// Bytes of keys and values of a token in half precision: what compression is measured by.
  package var halfPrecisionBytesPerToken: Int {
    layout.layers * layout.kvHeads * layout.headDimension * 2 * 2
  }
  var continuations: [String: Continuations] = [:]
  /// What restoring blocks costs.
  package var costs = RestoreCosts()
  private var hasPreloaded = false
  /// What sequences in progress have read.
  var live = LiveBlocks()
  /// Blocks that sequences on trial have put, and how many of those sequences have each.
  var trials: [BlockIdentity: Int] = [:]

  /// - Parameters:
  ///   - rarity: what tokens tell of a passage.
  ///   - marks: where statements begin and end.
  ///   - directory: where blocks outlive the process; nil: they end with it.
  ///   - now: seconds since 1970.
  package init(
    layout: KVLayout, plan: RecallPlan, model: LanguageModel, rope: RoPETable,
    rarity: TokenRarity, marks: TokenMarks, directory: String?,
    options: StoreOptions, now: @escaping @Sendable () -> Int64
  ) throws(StoreError) {
    self.layout = layout
    self.plan = plan
    self.model = ModelDigest(model)
    self.rope = rope
    self.now = now
    self.rarity = rarity
    self.marks = marks
    self.directory = directory
    rope.ensure(layout.blockLength)
    summary = BlockSummary(layout: plan.index, kvLayout: layout)
    var options = options
    options.metadataBytes = max(options.metadataBytes, plan.index.blockByteCount + 65536)
    if let directory {
      options.protection = { () throws(StoreError) in
        try SessionProtection.current(in: directory)
      }
    }
    tiers = try TieredStore(
      options: options,
      shape: FrameShape(
        heads: layout.kvHeads, dimension: layout.headDimension, tokens: layout.blockLength,
        valueStride: layout.valueStride, elementBytes: layout.type.byteCount),
      framesPerBlock: layout.layers, directory: directory)
  }

  /// The identity before the first block of every sequence in `namespace`.
  package func root(namespace: String) -> BlockIdentity {
    .root(model: model, layout: layout, plan: plan, namespace: namespace)
  }

  /// The same before the blocks that `owner` leaves.
  package func root(of owner: MemoryOwner) -> BlockIdentity {
    owner.kind == .semantic ? gists.gists(of: owner.namespace) : root(namespace: owner.namespace)
  }

  // MARK: - Keeping

  /// Keeps a block whose first `passage.tokens.count` slots are filled, with what the index holds of
  /// it.
  ///
  /// - Parameter isOnTrial: whether it stays only if its sequence is chosen.
  /// - Returns: false when there was no room for all of it.
  @unsafe
  func put(
    _ identity: BlockIdentity, _ passage: Passage, bytes: UnsafePointer<UInt8>,
    isOnTrial: Bool = false
  ) throws(StoreError) -> Bool {
    if !isOnTrial { trials[identity] = nil }
    if tiers.contains(identity) {
      // It counts as use.
      return true
    }
    var passage = passage
    passage.time = now()
    let frames = unsafe UnsafeRawBufferPointer(start: bytes, count: layout.blockByteCount).bytes
    let result = try tiers.put(
      identity,
      attributes: BlockAttributes(
        model: model.low, namespace: UInt64(naming: passage.namespace),
        session: passage.sessionKey, cost: Double(passage.tokens.count), memory: passage.kind),
      metadata: passage.encoded(), frames: frames)
    if case .declined = result { return false }
    return true
  }

  /// What the index keeps of a block, half-precision [layers][vectors][kvHeads][d].
  @unsafe
  func vectors(
    of bytes: UnsafePointer<UInt8>, tokens: Int, ordinal: Int
  ) -> [UInt16] {
    let index = BlockIndex(layout: plan.index)
    index.reserve(1)
    for layer in 0..<layout.layers {
      unsafe summary.summarize(
        bytes + layer * layout.layerByteCount, tokens: tokens,
        skipping: ordinal == 0 ? plan.sinks : 0, rope: rope, into: index, block: 0, layer: layer)
    }
    return index.halves(block: 0)
  }

  // MARK: - Finding again

  func lend(_ key: FrameKey) -> LentFrame? { tiers.lend(key) }
  func giveBack(_ frame: LentFrame) { tiers.giveBack(frame) }
  func prefetch(_ key: FrameKey) { tiers.prefetch(key) }

  /// Waits for a frame that is not in memory; nil when it is gone or damaged.
  func fetch(_ key: FrameKey) -> LentFrame? { try? tiers.fetch(key) }

  /// Copies a block to where attention reads it; false when it is gone or damaged, or not the bits
  /// that were put.
  @unsafe
  func restore(_ identity: BlockIdentity, into bytes: UnsafeMutablePointer<UInt8>) -> Bool {
    let buffer = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: layout.blockByteCount)
    var span = unsafe buffer.mutableBytes
    return (try? tiers.copyBlock(identity, into: &span)) ?? false
  }

  /// Brings whole blocks to where decoding finds them without waiting, the last of them first: as many
  /// as half of that room holds, and as come in time.
  func warm(_ identities: some BidirectionalCollection<BlockIdentity>, within delay: Duration) {
    let deadline = tiers.clock.now() + delay.nanoseconds
    let room = tiers.options.exactBytes / 2 / layout.blockByteCount
    for identity in identities.reversed().prefix(room) {
      for layer in 0..<layout.layers {
        guard tiers.clock.now() < deadline else { return }
        guard let frame = fetch(FrameKey(block: identity, frame: UInt16(layer))) else { break }
        giveBack(frame)
      }
    }
  }

  func passage(_ identity: BlockIdentity) -> Passage? {
    tiers.metadata(of: identity).flatMap(Passage.init(encoded:))
  }

  /// Brings what was used most up, in the background, the first time that a reply may recall the past:
  /// not so much that it would keep the reply waiting for the processor.
  func preload() {
    guard !hasPreloaded else { return }
    hasPreloaded = true
    tiers.preload(bytes: 32 << 20)
  }

  // MARK: - The past of a namespace

  /// All that other sessions of a namespace have left, as of the first time it is asked for and of
  /// every session that has ended since in this process.
  package func past(of namespace: String) -> PastMemory {
    if let past = pasts[namespace] { return past }
    let past = PastMemory(rarity: rarity)
    pasts[namespace] = past
    let key = UInt64(naming: namespace)
    let model = model.low
    tiers.forEachBlock { block in
      guard block.attributes.namespace == key, block.attributes.model == model,
        let passage = Passage(encoded: block.metadata)
      else { return }
      add(block.identity, passage, to: past)
    }
    linkConcepts(of: namespace, in: past)
    return past
  }

  /// Tells a namespace's past and continuations, if anyone has asked for them, of a block that was put.
  func remember(_ identity: BlockIdentity, _ passage: Passage) {
    noteContinuations(of: identity, passage)
    guard let past = pasts[passage.namespace] else { return }
    add(identity, passage, to: past)
  }

  private func add(_ identity: BlockIdentity, _ passage: Passage, to past: PastMemory) {
    let used = passage.tokens.count - (passage.ordinal == 0 ? plan.sinks : 0)
    guard used > 0, passage.session != MemoryOwner.nobody else { return }
    past.add(identity, passage)
  }

  /// Forgets what was loaded of a namespace's past, so that it is read anew.
  package func forgetPasts() {
    pasts.removeAll()
    forgetContinuations()
    onForgetting?()
  }
}
