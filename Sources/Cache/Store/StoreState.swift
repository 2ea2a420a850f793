/// What the store knows, and what it decides: a pure value without threads, disks or frames' bytes.
///
/// Its methods are the events of a store's life, and return what is to be done. What takes time has
/// two halves: `begin…` reserves and says what to do, `finish…` reports how it went; between them
/// anything else may happen, even that the block is invalidated.
///
/// Invariants, which `violations()` recounts:
///
/// - `free + retired + retiring + held == slotCount`; a held slot is being filled, or readable.
/// - A readable slot belongs to exactly one frame, or to none (an orphan: invalidated while lent or
///   leaving), and is freed when the last lender gives it back and nobody encodes it.
/// - L1's policy knows exactly the frames that are readable and not leaving.
/// - `packedBytes <= packedBudget` after every event but a lowering of the budget.
/// - L2's policy knows exactly the packed frames that may be dropped: what is dirty is not there.
/// - A block is known if and only if at least one of its frames is in a tier or on its way in.
/// - A frame's bytes are immutable: its copies in different tiers are the same, up to a lossy codec.
package struct StoreState: Sendable {
  let slotCount: Int
  let framesPerBlock: Int
  let frameBytes: Int
  /// Whether there is a disk tier.
  let hasDisk: Bool
  /// Whether an encoded frame decodes to the same bits.
  let isLossless: Bool
  let reserve: Int
  let writePolicy: WritePolicy

  private let fullPackedBudget: Int
  let fullDiskBudget: Int
  private(set) var share = 1.0
  var packedBudget: Int
  var diskBudget: Int
  /// Slots that may be held.
  var allowedSlots: Int

  // Blocks, in a table whose places are used again.
  var index: [BlockIdentity: Int] = [:]
  var blocks: [Block] = []
  var freeBlocks: [Int] = []
  /// `framesPerBlock` for each place in `blocks`.
  var frames: [Frame] = []

  // L1
  var slots: [Slot]
  var freeSlots: [Int] = []
  var retiredSlots: [Int] = []
  var slotsToRetire: [Int] = []
  var retiringCount = 0
  var exactPolicy: ChosenPolicy<FrameKey>
  /// Nothing below L1 takes a pinned frame: demoting rests until something has changed.
  var isDemotionBlocked = false

  // L2
  var packed: [Packed?] = []
  var freePacked: [Int] = []
  var packedBytes = 0
  var dirtyPackedBytes = 0
  var packedPolicy: ChosenPolicy<FrameKey>

  // L3
  var diskPolicy: ChosenPolicy<BlockIdentity>
  var diskBytes = 0
  /// What `diskPolicy` may not choose, beside what is pinned.
  var protection = BlockProtection()
  /// Records that nothing refers to any more; whoever keeps the segments takes them.
  package var deadRecords: [RecordPlace] = []

  var promotions = PromotionQueue()
  /// At most an eighth of L1 waits for its first use.
  var arrivals: Arrivals
  var dirty = DirtyQueue()
  /// Blocks that have been used often enough to be written early.
  var eager: [BlockIdentity] = []

  /// Encoded frames that were let go: freed after unlocking, as that takes time.
  package var garbage: [PackedFrame] = []

  private(set) var lastSequence: UInt64 = 0
  var statistics = StoreStatistics()

  struct Block: Sendable {
    var identity: BlockIdentity
    var attributes: BlockAttributes
    var metadata: [UInt8]
    var sequence: UInt64
    var pins = 0
    /// Whether it must not leave the disk for room.
    var isProtected = false
    var hits = 0
    /// Frames that are in at least one tier.
    var present = 0
    /// Frames on their way in by a put.
    var filling = 0
    var place: RecordPlace?
    /// Of another model: only on disk, never read.
    var isForeign = false
    /// Whether a frame is not on disk that should be.
    var isDirty = false
    /// Left the disk for room: not written again unless it is put again.
    var isDisposable = false
    /// Has been on disk before: writing it again is not new data.
    var wasWritten = false
  }

  struct Frame: Sendable {
    /// A readable slot.
    var slot: Int32 = -1
    /// A place in `packed`.
    var packed: Int32 = -1
    var isOnDisk = false
    var isPromoting = false
    /// Whether somebody wanted it while it was on its way up.
    var wasMissed = false
    /// Whether it was prefetched and waits for its first use, pinned in L1's policy.
    var isArrival = false
    /// Whether the slot's bytes are those that were put.
    var isExact = false
    var isFilling = false

    var isPresent: Bool { slot >= 0 || packed >= 0 || isOnDisk }
  }

  struct Slot: Sendable {
    enum Phase: Sendable { case free, filling, readable, leaving, retiring, retired }
    var phase = Phase.free
    /// The frame; -1 for an orphan, and while it is filled.
    var frame = -1
    var lends = 0
    /// Whether a demotion reads it: until that has finished it is not freed.
    var isEncoding = false
    /// Whether it has been written to since it was last given back to the system.
    var isTouched = false
  }

  struct Packed: Sendable {
    var frame: Int
    var bytes: PackedFrame
    /// Whether L2's policy may choose it.
    var isEvictable: Bool
  }

  package init(
    options: StoreOptions, slotCount: Int, frameBytes: Int, framesPerBlock: Int, hasDisk: Bool
  ) {
    self.slotCount = slotCount
    self.framesPerBlock = framesPerBlock
    self.frameBytes = frameBytes
    self.hasDisk = hasDisk
    isLossless = options.codec.isLossless
    reserve = min(options.reserve ?? 2 * framesPerBlock, slotCount / 8)
    writePolicy = options.writePolicy
    fullPackedBudget = options.packedBytes
    fullDiskBudget = options.diskBytes
    packedBudget = options.packedBytes
    diskBudget = options.diskBytes
    allowedSlots = slotCount
    arrivals = Arrivals(capacity: slotCount / 8)
    slots = Array(repeating: Slot(), count: slotCount)
    freeSlots = Array((0..<slotCount).reversed())
    exactPolicy = ChosenPolicy(
      options.exactPolicy, budget: (slotCount - reserve) * frameBytes)
    packedPolicy = ChosenPolicy(options.packedPolicy, budget: options.packedBytes)
    diskPolicy = ChosenPolicy(options.diskPolicy, budget: options.diskBytes)
  }

  // MARK: - Sequence

  /// A number greater than all before, near the time.
  mutating func nextSequence(_ time: UInt64) -> UInt64 {
    lastSequence = max(lastSequence + 1, time)
    return lastSequence
  }

  mutating func noteSequence(_ sequence: UInt64) { lastSequence = max(lastSequence, sequence) }

  // MARK: - Blocks

  func key(of frame: Int) -> FrameKey {
    FrameKey(
      block: blocks[frame / framesPerBlock].identity, frame: UInt16(frame % framesPerBlock))
  }

  func memory(of frame: Int) -> MemoryKind { blocks[frame / framesPerBlock].attributes.memory }

  /// The figures of a frame's memory in a tier.
  subscript(tier: Tier, of frame: Int) -> MemoryStatistics {
    get { statistics.tiers[tier][memory(of: frame)] }
    _modify { yield &statistics.tiers[tier][memory(of: frame)] }
  }

  func frameIndex(_ key: FrameKey) -> Int? {
    guard key.frame < framesPerBlock, let block = index[key.block], !blocks[block].isForeign else {
      return nil
    }
    return block * framesPerBlock + Int(key.frame)
  }

  func attributes(of key: FrameKey) -> BlockAttributes? {
    frameIndex(key).map { blocks[$0 / framesPerBlock].attributes }
  }

  func frameRange(_ block: Int) -> Range<Int> {
    block * framesPerBlock..<(block + 1) * framesPerBlock
  }

  mutating func addBlock(_ block: Block) -> Int {
    var block = block
    block.isProtected = protection.covers(block.identity, block.attributes)
    let place: Int
    if let free = freeBlocks.popLast() {
      place = free
      blocks[place] = block
    } else {
      place = blocks.count
      blocks.append(block)
      frames.append(contentsOf: repeatElement(Frame(), count: framesPerBlock))
    }
    index[block.identity] = place
    statistics.metadataBytes += block.metadata.count
    return place
  }

  /// Forgets a block of which no frame is left.
  mutating func removeBlockIfGone(_ block: Int) {
    guard blocks[block].present == 0, blocks[block].filling == 0, blocks[block].place == nil else {
      return
    }
    statistics.metadataBytes -= blocks[block].metadata.count
    index[blocks[block].identity] = nil
    if blocks[block].isDirty { dirty.count -= 1 }
    blocks[block].metadata = []
    blocks[block].isDirty = false
    for frame in frameRange(block) { frames[frame] = Frame() }
    freeBlocks.append(block)
  }

  /// Says whether a block that is not on disk has to be written, or may go.
  mutating func setDisposable(_ block: Int, _ isDisposable: Bool) {
    blocks[block].isDisposable = isDisposable
    for frame in frameRange(block) { updateEvictable(frame) }
    updateDirty(block)
  }

  /// Notes that a block needs writing, if it does.
  mutating func updateDirty(_ block: Int) {
    guard hasDisk, !blocks[block].isForeign, !blocks[block].isDisposable else {
      if blocks[block].isDirty {
        blocks[block].isDirty = false
        dirty.count -= 1
      }
      return
    }
    let isDirty = frameRange(block).contains { frame in
      (frames[frame].slot >= 0 || frames[frame].packed >= 0) && !frames[frame].isOnDisk
    }
    guard isDirty != blocks[block].isDirty else { return }
    blocks[block].isDirty = isDirty
    dirty.count += isDirty ? 1 : -1
    if isDirty { dirty.append(blocks[block].identity) }
  }

  // MARK: - Budgets

  /// Gives every budget in memory a share of its full size.
  package mutating func adapt(toShare share: Double) {
    self.share = share
    allowedSlots = max(0, min(slotCount, Int(Double(slotCount) * share)))
    exactPolicy.budget = max(0, allowedSlots - min(reserve, allowedSlots / 8)) * frameBytes
    packedBudget = Int(Double(fullPackedBudget) * share)
    packedPolicy.budget = packedBudget
    isDemotionBlocked = false
    while exactPolicy.usedBytes > exactPolicy.budget, dropCleanVictim() {}
    while packedBytes > packedBudget, dropPacked() {}
    balanceSlots()
  }

  /// Retires free slots that are too many, or takes retired ones back.
  mutating func balanceSlots() {
    var usable = slotCount - retiredSlots.count - retiringCount
    while usable > allowedSlots, let slot = freeSlots.popLast() {
      usable -= 1
      if slots[slot].isTouched {
        slots[slot].phase = .retiring
        slotsToRetire.append(slot)
        retiringCount += 1
      } else {
        slots[slot].phase = .retired
        retiredSlots.append(slot)
      }
    }
    while usable < allowedSlots, let slot = retiredSlots.popLast() {
      usable += 1
      slots[slot].phase = .free
      freeSlots.append(slot)
    }
  }

  /// A slot whose memory is to be given back to the system.
  package mutating func beginRetiring() -> Int? { slotsToRetire.popLast() }

  package mutating func finishRetiring(_ slot: Int) {
    retiringCount -= 1
    slots[slot].phase = .retired
    slots[slot].isTouched = false
    retiredSlots.append(slot)
    balanceSlots()
  }
}
