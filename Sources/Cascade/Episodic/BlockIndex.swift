package import CKernels

/// What layers choose blocks by: a few vectors for each block and layer, in panels of 16 blocks that a
/// kernel scores together.
///
/// Vectors are half-precision numbers [vectors][kvHeads][d], of keys as they were before RoPE.
/// Not thread-safe. Rows are written in any order; `reserve` allocates, nothing else does, except for the
/// first writing into a panel that another index shares.
@safe
package final class BlockIndex {
  package let layout: IndexLayout
  /// Blocks that room has been made for.
  package private(set) var capacity = 0

  /// Halves of 16 blocks, [layer][vectors][kvHeads][d][16], perhaps shared with the indexes of other
  /// sequences.
  @safe
  private final class Panel {
    let base: UnsafeMutablePointer<UInt16>

    init(count: Int) {
      unsafe base = .allocate(capacity: count)
      unsafe base.initialize(repeating: 0, count: count)
    }

    init(copying other: Panel, count: Int) {
      unsafe base = .allocate(capacity: count)
      unsafe base.initialize(from: other.base, count: count)
    }

    deinit { unsafe base.deallocate() }
  }

  private var panels: [Panel] = []
  private let lanes = Int(SPARK_INDEX_LANES)
  /// [16] scores of one panel's blocks.
  private let scores: UnsafeMutablePointer<Float>

  package init(layout: IndexLayout) {
    self.layout = layout
    unsafe scores = .allocate(capacity: lanes)
  }

  /// An index of the same blocks, which shares the memory of all panels until one of the two writes into
  /// them.
  package init(forking other: BlockIndex) {
    layout = other.layout
    capacity = other.capacity
    panels = other.panels
    unsafe scores = .allocate(capacity: lanes)
  }

  deinit { unsafe scores.deallocate() }

  private var panelLayerCount: Int { layout.layerCount * lanes }
  private var panelCount: Int { panelLayerCount * layout.layers }

  /// Bytes held, those shared included.
  package var byteCount: Int { panels.count * panelCount * 2 }

  /// Makes room for `count` blocks.
  package func reserve(_ count: Int) {
    while capacity < count {
      panels.append(Panel(count: panelCount))
      capacity += lanes
    }
  }

  /// The panel of a block that is about to be written, the index's own.
  private func ownPanel(of block: Int) -> UnsafeMutablePointer<UInt16> {
    let place = block / lanes
    if !isKnownUniquelyReferenced(&panels[place]) {
      panels[place] = Panel(copying: panels[place], count: panelCount)
    }
    return unsafe panels[place].base
  }

  /// Writes one layer's vectors of a block, [vectors][kvHeads][d].
  package func put(_ vectors: Span<Float>, block: Int, layer: Int) {
    precondition(block < capacity && vectors.count == layout.layerCount)
    let lane = block % lanes
    let panel = unsafe ownPanel(of: block) + layer * panelLayerCount
    unsafe vectors.withUnsafeBufferPointer {
      unsafe spark_put_halves($0.baseAddress!, vectors.count, panel + lane, lanes)
    }
  }

  /// All layers' vectors of a block, [layers][vectors][kvHeads][d].
  package func halves(block: Int) -> [UInt16] {
    let count = layout.layerCount
    return unsafe [UInt16](unsafeUninitializedCapacity: layout.layers * count) { numbers, used in
      for layer in 0..<layout.layers {
        let panel = unsafe panels[block / lanes].base + layer * panelLayerCount + block % lanes
        for index in 0..<count { unsafe numbers[layer * count + index] = panel[index * lanes] }
      }
      used = layout.layers * count
    }
  }

  /// Writes what `halves` read.
  package func put(halves numbers: [UInt16], block: Int) {
    let count = layout.layerCount
    precondition(block < capacity && numbers.count == layout.layers * count)
    let own = unsafe ownPanel(of: block)
    for layer in 0..<layout.layers {
      let panel = unsafe own + layer * panelLayerCount + block % lanes
      for index in 0..<count { unsafe panel[index * lanes] = numbers[layer * count + index] }
    }
  }

  // MARK: - Search

  /// Calls `body` with the score of every block on `shortlist`, which is complete.
  ///
  /// - Parameter queries: [queries][heads * d], turned by the distance to assume.
  package func search(
    layer: Int, among shortlist: Shortlist, queries: Span<Float>,
    kernels: UnsafePointer<spark_kernels>, _ body: (_ block: Int, _ score: Float) -> Void
  ) {
    let rows = queries.count / (layout.heads * layout.headDimension)
    guard rows > 0 else { return }
    let score = unsafe kernels.pointee.score_panel!
    var panelLayout = layout.kernelLayout
    var scored = -1
    unsafe queries.withUnsafeBufferPointer { queries in
      for place in 0..<shortlist.count {
        let block = shortlist[place]
        let panel = block / lanes
        if panel != scored {
          unsafe score(
            &panelLayout, panels[panel].base + layer * panelLayerCount, queries.baseAddress!, rows,
            scores)
          scored = panel
        }
        unsafe body(block, scores[block % lanes])
      }
    }
  }
}
