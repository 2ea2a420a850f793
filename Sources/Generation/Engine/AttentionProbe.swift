internal import CKernels
package import Cascade
package import Model

/// What one reading of a text with full attention left of each layer: its queries, its keys, and what an
/// index makes of them.
///
/// Not thread-safe, and valid only during the call that it is given to.
@safe
package final class AttentionProbe: LayerViews {
  package let shape: Hyperparameters
  package let layout: KVLayout
  /// Each layer's queries as they are before RoPE turns them, [tokens][heads * d].
  package private(set) var queries: [[Float]]

  private let rope: RoPETable
  private let kernels: UnsafePointer<spark_kernels>
  private var blocks: [UnsafePointer<UInt8>] = unsafe []
  private let width: Int

  init(shape: Hyperparameters, layout: KVLayout, rope: RoPETable, compute: Compute) {
    self.shape = shape
    self.layout = layout
    self.rope = rope
    unsafe kernels = compute.kernels
    width = shape.heads * shape.headDimension
    queries = Array(repeating: [], count: shape.layers)
  }

  @unsafe
  package func choose(layer: Int, queries: UnsafePointer<Float>, in step: Step) {
    unsafe self.queries[layer].append(
      contentsOf: UnsafeBufferPointer(start: queries, count: step.rows * width))
  }

  /// Says which blocks hold the text, the last one perhaps in part.
  func read(into blocks: [KVBlockID], of pool: KVBlockPool) {
    for block in blocks { unsafe self.blocks.append(pool.pointer(to: block)) }
    rope.ensure(tokens)
  }

  /// Tokens of the text.
  package var tokens: Int { queries[0].count / width }

  /// A layer's keys of one key-value head as they were before RoPE, [tokens][d].
  package func keys(layer: Int, head: Int) -> [Float] {
    var kernelLayout = layout.kernelLayout
    var table = unsafe rope.kernelTable
    let d = shape.headDimension
    var keys = [Float](repeating: 0, count: tokens * d)
    unsafe keys.withUnsafeMutableBufferPointer { keys in
      for (block, start) in stride(from: 0, to: tokens, by: layout.blockLength).enumerated() {
        unsafe spark_plain_keys(
          &kernelLayout, &table, Float(rope.magnitude),
          blocks[block] + layer * layout.layerByteCount, Int32(head),
          Int32(min(layout.blockLength, tokens - start)), keys.baseAddress! + start * d)
      }
    }
    return keys
  }

  /// `vectors`, [count][d], each turned by the position that `position` says.
  package func turned(_ vectors: [Float], to position: (_ vector: Int) -> Int) -> [Float] {
    let d = shape.headDimension
    let count = vectors.count / d
    rope.ensure(((0..<count).map(position).max() ?? 0) + 1)
    var table = unsafe rope.kernelTable
    return unsafe [Float](unsafeUninitializedCapacity: vectors.count) { out, used in
      unsafe vectors.withUnsafeBufferPointer { vectors in
        for vector in 0..<count {
          unsafe kernels.pointee.rotate(
            &table, Int32(position(vector)), Int32(d), vectors.baseAddress! + vector * d,
            out.baseAddress! + vector * d)
        }
      }
      used = count * d
    }
  }

  /// What an index of `scorer` keeps of the text's first `count` blocks, which are full.
  ///
  /// - Parameter sinks: tokens at the text's start that stand for nothing.
  package func index(_ scorer: RecallOptions.Scorer, blocks count: Int, sinks: Int) -> BlockIndex {
    let index = emptyIndex(scorer, blocks: count)
    let summary = BlockSummary(layout: index.layout, kvLayout: layout)
    for block in 0..<count {
      for layer in 0..<shape.layers {
        unsafe summary.summarize(
          blocks[block] + layer * layout.layerByteCount, tokens: layout.blockLength,
          skipping: block == 0 ? sinks : 0, rope: rope, into: index, block: block, layer: layer)
      }
    }
    return index
  }

  /// An index of `scorer` with room for `count` blocks.
  package func emptyIndex(_ scorer: RecallOptions.Scorer, blocks count: Int) -> BlockIndex {
    let index = BlockIndex(
      layout: IndexLayout(shape: shape, blockLength: layout.blockLength, scorer: scorer))
    index.reserve(count)
    return index
  }

  /// The scores of the first `count` blocks of `index` for the queries of `rows` together.
  ///
  /// - Parameters:
  ///   - head: the only one whose queries count; nil: all of them do.
  ///   - distance: how far before the queries blocks are taken to stand.
  package func scores(
    in index: BlockIndex, layer: Int, blocks count: Int, rows: Range<Int>, head: Int? = nil,
    distance: Int
  ) -> [Float] {
    var plain = Array(queries[layer][rows.lowerBound * width..<rows.upperBound * width])
    if let head {
      for place in plain.indices where place % width / shape.headDimension != head {
        plain[place] = 0
      }
    }
    let turned = turned(plain) { _ in distance }
    var scores = [Float](repeating: 0, count: count)
    for start in stride(from: 0, to: count, by: Shortlist.capacity) {
      var list = Shortlist()
      for block in start..<min(start + Shortlist.capacity, count) { list.offer(block, score: 0) }
      list.complete(below: 0)
      unsafe index.search(layer: layer, among: list, queries: turned.span, kernels: kernels) {
        scores[$0] = $1
      }
    }
    return scores
  }
}

extension Engine {
  /// Reads `tokens` and calls `body`, on the engine's thread, with what layers attended with. For full
  /// windows.
  package func probeAttention<Result: Sendable>(
    of tokens: [TokenID], _ body: @Sendable (AttentionProbe) throws -> Result
  ) async throws -> Result {
    try await core.probeAttention(of: tokens, body)
  }
}
