internal import CKernels
package import Model

/// Reduces a block's keys to the vectors that its index keeps. Holds its scratch; not thread-safe.
@safe
package final class BlockSummary {
  private let layout: IndexLayout
  private let kvLayout: KVLayout
  /// [blockLength][d] keys of one head.
  private let keys: UnsafeMutablePointer<Float>
  /// [vectors][kvHeads][d], of one layer.
  private let vectors: UnsafeMutablePointer<Float>
  private let distances: UnsafeMutablePointer<Float>

  package init(layout: IndexLayout, kvLayout: KVLayout) {
    self.layout = layout
    self.kvLayout = kvLayout
    unsafe keys = .allocate(capacity: kvLayout.blockLength * kvLayout.headDimension)
    unsafe vectors = .allocate(capacity: layout.layerCount)
    unsafe distances = .allocate(capacity: kvLayout.blockLength)
  }

  deinit {
    unsafe keys.deallocate()
    unsafe vectors.deallocate()
    unsafe distances.deallocate()
  }

  /// Indexes the first `tokens` tokens of a block's layer, whose keys begin at `base`.
  ///
  /// - Parameter skipping: first tokens that stand for nothing: a session's sinks.
  @unsafe
  package func summarize(
    _ base: UnsafePointer<UInt8>, tokens: Int, skipping: Int, rope: RoPETable,
    into index: BlockIndex, block: Int, layer: Int
  ) {
    var kernelLayout = kvLayout.kernelLayout
    var table = unsafe rope.kernelTable
    let d = layout.headDimension
    let first = tokens > skipping ? skipping : 0
    for head in 0..<layout.kvHeads {
      unsafe spark_plain_keys(
        &kernelLayout, &table, Float(rope.magnitude), base, Int32(head), Int32(tokens), keys)
      let used = unsafe UnsafePointer(keys + first * d)
      switch layout.scorer {
      case .mean: unsafe mean(used, count: tokens - first, into: vectors + head * d)
      case .bounds: unsafe bounds(used, count: tokens - first, head: head)
      case .representatives: unsafe representatives(used, count: tokens - first, head: head)
      case .exact:
        for vector in 0..<layout.vectors {
          let token = min(max(vector, first), tokens - 1)
          unsafe (vectors + (vector * layout.kvHeads + head) * d).update(
            from: keys + token * d, count: d)
        }
      }
    }
    let span = unsafe UnsafeBufferPointer(start: UnsafePointer(vectors), count: layout.layerCount)
    unsafe index.put(Span(_unsafeElements: span), block: block, layer: layer)
  }

  private func mean(
    _ keys: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<layout.headDimension {
      var sum: Float = 0
      for token in 0..<count { unsafe sum += keys[token * layout.headDimension + i] }
      unsafe out[i] = sum / Float(count)
    }
  }

  private func bounds(_ keys: UnsafePointer<Float>, count: Int, head: Int) {
    let d = layout.headDimension
    let least = unsafe vectors + head * d
    let greatest = unsafe vectors + (layout.kvHeads + head) * d
    for i in 0..<d {
      var low = Float.infinity
      var high = -Float.infinity
      for token in 0..<count {
        low = unsafe min(low, keys[token * d + i])
        high = unsafe max(high, keys[token * d + i])
      }
      unsafe least[i] = low
      unsafe greatest[i] = high
    }
  }

  /// The key farthest from the mean, then again and again the key farthest from those chosen
  /// (Gonzalez 1985, "Clustering to minimize the maximum intercluster distance"): the keys that no
  /// other would stand for.
  private func representatives(_ keys: UnsafePointer<Float>, count: Int, head: Int) {
    let d = layout.headDimension
    var reference = unsafe vectors + head * d
    unsafe mean(keys, count: count, into: reference)
    for token in 0..<count { unsafe distances[token] = .infinity }
    for vector in 0..<layout.vectors {
      var farthest = 0
      for token in 0..<count {
        var distance: Float = 0
        for i in 0..<d {
          let difference = unsafe keys[token * d + i] - reference[i]
          distance += difference * difference
        }
        unsafe distances[token] = min(distances[token], distance)
        if unsafe distances[token] > distances[farthest] { farthest = token }
      }
      // The mean only begins the choice; it is not among those chosen.
      if vector == 0 { for token in 0..<count { unsafe distances[token] = .infinity } }
      unsafe reference = vectors + (vector * layout.kvHeads + head) * d
      unsafe reference.update(from: keys + farthest * d, count: d)
    }
  }
}
