internal import CKernels
package import Model

/// Chooses, layer by layer, which blocks from before the window each run of a step sees: the
/// backward cascade.
///
/// At every `recall.every`th token of a sequence, and there alone, each layer holds its latest
/// queries against its index and keeps the best blocks until the next time. What is chosen depends
/// on the sequence's tokens only, never on how they were cut into steps.
@safe
package final class Recaller: LayerViews {
  private let plan: RecallPlan
  private let kvLayout: KVLayout
  private let pool: KVBlockPool
  private let rope: RoPETable
  private let kernels: UnsafePointer<spark_kernels>
  private let summary: BlockSummary
  /// [every][heads * d], turned.
  private let turned: UnsafeMutablePointer<Float>
  private let width: Int
  /// What the time of getting blocks is booked in; nil: nowhere.
  private let profile: PassProfile?

  /// The sequences of the step about to run.
  private var sequences: [SequenceMemory] = []

  package init(
    plan: RecallPlan, pool: KVBlockPool, rope: RoPETable, compute: Compute,
    profile: PassProfile? = nil
  ) {
    self.profile = profile
    self.plan = plan
    kvLayout = pool.layout
    self.pool = pool
    self.rope = rope
    unsafe kernels = compute.kernels
    summary = BlockSummary(layout: plan.index, kvLayout: pool.layout)
    width = plan.index.heads * plan.index.headDimension
    unsafe turned = .allocate(capacity: plan.options.every * width)
    rope.ensure(plan.assumedDistance + 1)
  }

  deinit { unsafe turned.deallocate() }

  /// A step begins.
  package func attendToNone() { sequences.removeAll(keepingCapacity: true) }

  /// Adds whose rows the step about to run holds.
  package func attend(to memory: SequenceMemory) { sequences.append(memory) }

  @unsafe
  package func choose(layer: Int, queries: UnsafePointer<Float>, in step: Step) {
    for sequence in sequences where sequence.index != nil {
      unsafe choose(layer: layer, queries: queries, in: step, for: sequence)
    }
  }

  @unsafe
  private func choose(
    layer: Int, queries: UnsafePointer<Float>, in step: Step, for sequence: SequenceMemory
  ) {
    indexNewBlocks(of: sequence, layer: layer)
    let every = plan.options.every
    let ring = unsafe sequence.queries + layer * every * width
    for (view, route) in zip(sequence.views, sequence.routes) {
      if view.index % every == 0 {
        // The ring holds the queries before this one; the first of this run completes it.
        unsafe (ring + view.index % every * width).update(
          from: queries + view.row * width, count: width)
        search(layer: layer, view: view, route: route, for: sequence)
      }
      for row in 0..<view.rows {
        unsafe (ring + (view.index + row) % every * width).update(
          from: queries + (view.row + row) * width, count: width)
      }
      if profile != nil, sequence.lacksBlocks(layer) { profile!.begin(.fetch) }
      sequence.resolve(layer, at: view.index, in: pool, waits: sequence.waitsForBlocks)
      profile?.begin(.retrieval)
      place(layer: layer, view: view, of: sequence, in: step)
    }
  }

  /// Indexes the blocks that this layer has just filled.
  private func indexNewBlocks(of sequence: SequenceMemory, layer: Int) {
    let length = plan.blockLength
    while sequence.indexed[layer] < sequence.count / length {
      let block = sequence.indexed[layer]
      let held = sequence.working.heldBlock(block)!
      unsafe summary.summarize(
        pool.pointer(to: held) + layer * kvLayout.layerByteCount, tokens: length,
        skipping: block == 0 ? plan.sinks : 0, rope: rope, into: sequence.index!, block: block,
        layer: layer)
      sequence.indexed[layer] += 1
    }
  }

  private func search(layer: Int, view: RunView, route: Route, for sequence: SequenceMemory) {
    sequence.giveBack(layer)
    // The sinks themselves see nothing but what came before them.
    guard view.index >= plan.sinks, route.isOpen || route.count > 0 else { return }
    for place in 0..<route.count {
      let target = route.targets[place]
      unsafe sequence.picks[layer].offer(
        Pick(block: target.block, isPast: target.isPast, score: .infinity))
    }
    if route.isOpen { searchIndex(layer: layer, view: view, route: route, for: sequence) }
    unsafe sequence.picks[layer].sortByTime()
    sequence.noteChoice(layer, at: view.index)
  }

  /// Offers what the layer's own queries find in the sequence's index.
  private func searchIndex(layer: Int, view: RunView, route: Route, for sequence: SequenceMemory) {
    let every = plan.options.every
    // Only queries of the same block: then a sequence that is restored at a block's end chooses as one
    // that was never interrupted. In a block that was restored half full, only those since.
    let rows = min(
      every, view.index % plan.blockLength + 1, view.index - sequence.resumedAt + 1)
    let ring = unsafe sequence.queries + layer * every * width
    let d = plan.index.headDimension
    var table = unsafe rope.kernelTable
    for row in 0..<rows {
      let at = (view.index - row) % every
      for head in 0..<plan.index.heads {
        unsafe kernels.pointee.rotate(
          &table, Int32(plan.assumedDistance), Int32(d), ring + at * width + head * d,
          turned + row * width + head * d)
      }
    }
    let span = unsafe UnsafeBufferPointer(start: UnsafePointer(turned), count: rows * width)
    unsafe sequence.index!.search(
      layer: layer, among: route.shortlist, queries: Span(_unsafeElements: span), kernels: kernels
    ) { block, score in
      guard !route.contains(block: block) else { return }
      unsafe sequence.picks[layer].offer(Pick(block: Int32(block), isPast: false, score: score))
    }
  }

  /// Lays out what the layer has chosen before the run's window.
  private func place(layer: Int, view: RunView, of sequence: SequenceMemory, in step: Step) {
    let chosen = unsafe sequence.picks[layer].count
    var resident = 0
    for index in 0..<chosen where unsafe sequence.picks[layer][index].bytes != nil { resident += 1 }
    var place = 0
    for index in 0..<chosen {
      let pick = unsafe sequence.picks[layer][index]
      guard let bytes = unsafe pick.bytes else { continue }
      let entry = pick.isPast ? sequence.past!.entries[Int(pick.block)] : nil
      unsafe step.place(
        view.room + place, block: bytes, stride: 0,
        start: plan.start(
          ofPlace: place, of: resident,
          blocksBefore: pick.isPast ? .max : view.firstBlock - Int(pick.block)),
        first: (entry?.ordinal ?? Int(pick.block)) == 0 ? plan.sinks : 0,
        count: entry?.tokens ?? plan.blockLength)
      place += 1
    }
    for unused in place..<plan.rooms { step.hide(view.room + unused) }
    guard plan.sinks > 0 else { return }
    if view.firstBlock > 0 {
      step.move(view.sinkPlace, to: plan.startOfSinks(with: resident))
    } else {
      // The sinks are still at the window's front. They go before what is recalled, and only then.
      step.split(
        view.windowPlace, first: resident > 0 ? plan.sinks : 0, into: view.sinkPlace,
        start: plan.startOfSinks(with: resident))
    }
  }
}
