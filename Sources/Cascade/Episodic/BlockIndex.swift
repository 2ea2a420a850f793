package import CKernels

/// What attention is searched by: a few vectors for each block and layer, in panels of 16 blocks,
/// and the bounds of each panel in groups of 16 panels, so that a search reads a sixteenth of a long
/// index and then only the panels worth it.
///
/// Vectors are half-precision numbers [vectors][kvHeads][d], of keys as they were before RoPE.
/// Not thread-safe. Rows are written in any order; `reserve` allocates, nothing else does.
@safe
package final class BlockIndex {
  package let layout: IndexLayout
  /// Blocks that room has been made for.
  package private(set) var capacity = 0

  /// Panels [layer][vectors][kvHeads][d][16], and groups [layer][2][kvHeads][d][16].
  private var panels: [UnsafeMutablePointer<UInt16>] = unsafe []
  private var groups: [UnsafeMutablePointer<UInt16>] = unsafe []
  private let lanes = Int(SPARK_INDEX_LANES)

  package init(layout: IndexLayout) { self.layout = layout }

  deinit {
    while let panel = unsafe panels.popLast() { unsafe panel.deallocate() }
    while let group = unsafe groups.popLast() { unsafe group.deallocate() }
  }

  private var panelLayerCount: Int { layout.layerCount * lanes }
  private var groupLayerCount: Int { 2 * layout.kvHeads * layout.headDimension * lanes }

  /// Bytes held.
  package var byteCount: Int {
    unsafe (panels.count * panelLayerCount + groups.count * groupLayerCount) * layout.layers * 2
  }

  /// Makes room for `count` blocks.
  package func reserve(_ count: Int) {
    while capacity < count {
      unsafe panels.append(allocate(panelLayerCount * layout.layers))
      if unsafe (panels.count - 1) % lanes == 0 {
        unsafe groups.append(allocateGroup())
      }
      capacity += lanes
    }
  }

  private func allocate(_ count: Int) -> UnsafeMutablePointer<UInt16> {
    let memory = UnsafeMutablePointer<UInt16>.allocate(capacity: count)
    unsafe memory.initialize(repeating: 0, count: count)
    return unsafe memory
  }

  /// Bounds that hold nothing yet, so that whichever block is written first sets them.
  private func allocateGroup() -> UnsafeMutablePointer<UInt16> {
    let group = unsafe allocate(groupLayerCount * layout.layers)
    let half = groupLayerCount / 2
    for layer in 0..<layout.layers {
      let least = unsafe group + layer * groupLayerCount
      unsafe least.update(repeating: Self.largestHalf, count: half)
      unsafe (least + half).update(repeating: Self.largestHalf | 0x8000, count: half)
    }
    return unsafe group
  }

  /// 65504, half precision's largest number.
  private static let largestHalf: UInt16 = 0x7bff

  /// Writes one layer's vectors of a block, [vectors][kvHeads][d].
  package func put(_ vectors: Span<Float>, block: Int, layer: Int) {
    precondition(block < capacity && vectors.count == layout.layerCount)
    let lane = block % lanes
    let panel = unsafe panels[block / lanes] + layer * panelLayerCount
    unsafe vectors.withUnsafeBufferPointer {
      unsafe spark_put_halves($0.baseAddress!, vectors.count, panel + lane, lanes)
    }
    widen(block / lanes, layer: layer, toHold: lane)
  }

  /// All layers' vectors of a block, [layers][vectors][kvHeads][d].
  package func halves(block: Int) -> [UInt16] {
    let count = layout.layerCount
    return unsafe [UInt16](unsafeUninitializedCapacity: layout.layers * count) { numbers, used in
      for layer in 0..<layout.layers {
        let panel = unsafe panels[block / lanes] + layer * panelLayerCount + block % lanes
        for index in 0..<count { unsafe numbers[layer * count + index] = panel[index * lanes] }
      }
      used = layout.layers * count
    }
  }

  /// Writes what `halves` read.
  package func put(halves numbers: [UInt16], block: Int) {
    let count = layout.layerCount
    precondition(block < capacity && numbers.count == layout.layers * count)
    for layer in 0..<layout.layers {
      let panel = unsafe panels[block / lanes] + layer * panelLayerCount + block % lanes
      for index in 0..<count { unsafe panel[index * lanes] = numbers[layer * count + index] }
      widen(block / lanes, layer: layer, toHold: block % lanes)
    }
  }

  /// Widens a panel's bounds by the vectors of one of its lanes.
  private func widen(_ panel: Int, layer: Int, toHold lane: Int) {
    let width = layout.kvHeads * layout.headDimension
    let numbers = unsafe panels[panel] + layer * panelLayerCount + lane
    let bounds = unsafe groups[panel / lanes] + layer * groupLayerCount + panel % lanes
    for channel in 0..<width {
      var least = unsafe spark_half_value(bounds[channel * lanes])
      var greatest = unsafe spark_half_value(bounds[(width + channel) * lanes])
      for vector in 0..<layout.vectors {
        let value = unsafe spark_half_value(numbers[(vector * width + channel) * lanes])
        least = min(least, value)
        greatest = max(greatest, value)
      }
      unsafe spark_put_halves(&least, 1, bounds + channel * lanes, 1)
      unsafe spark_put_halves(&greatest, 1, bounds + (width + channel) * lanes, 1)
    }
  }

  // MARK: - Search

  /// Panels that are searched without asking for their bounds first.
  package static let exhaustivePanels = 16

  /// Calls `body` with the score of every block below `count` that may be among the best.
  ///
  /// Up to `exhaustivePanels` panels are all scored; of more, the newest and the ones with the
  /// highest bounds.
  ///
  /// - Parameter queries: [queries][heads * d], turned by the distance to assume.
  package func search(
    layer: Int, below count: Int, queries: Span<Float>, kernels: UnsafePointer<spark_kernels>,
    scratch: inout SearchScratch, _ body: (_ block: Int, _ score: Float) -> Void
  ) {
    let used = (count + lanes - 1) / lanes
    let rows = queries.count / (layout.heads * layout.headDimension)
    guard used > 0, rows > 0 else { return }
    let score = unsafe kernels.pointee.score_panel!
    unsafe queries.withUnsafeBufferPointer { queries in
      let queries = queries.baseAddress!
      var chosen = used
      scratch.choosePanels(used)
      if used > Self.exhaustivePanels {
        var groupLayout = layout.groupKernelLayout
        for group in 0...(used - 1) / lanes {
          unsafe score(
            &groupLayout, groups[group] + layer * groupLayerCount, queries, rows,
            scratch.panelScores + group * lanes)
        }
        chosen = scratch.keepBest(Self.exhaustivePanels, of: used)
      }
      var panelLayout = layout.kernelLayout
      for index in 0..<chosen {
        let panel = unsafe Int(scratch.panels[index])
        unsafe score(
          &panelLayout, panels[panel] + layer * panelLayerCount, queries, rows, scratch.scores)
        for lane in 0..<min(lanes, count - panel * lanes) {
          unsafe body(panel * lanes + lane, scratch.scores[lane])
        }
      }
    }
  }
}
