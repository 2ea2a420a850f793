internal import CKernels

extension MachineLimits {
  /// Measures what memory and kernels give to `compute`'s threads: the best of a few times. Takes about half a second.
  ///
  /// - Throws: where there is no room for as much memory as no cache holds.
  package init(measuring compute: Compute) throws(ModelError) {
    self.init(
      readBandwidth: try Self.readBandwidth(compute),
      integerPeak: try Self.peak(compute, .q8_0), floatPeak: try Self.peak(compute, .f16))
  }

  /// More than caches hold.
  private static let bytesRead = 256 << 20
  private static let bytesPerItem = 64 << 10

  private static func readBandwidth(_ compute: Compute) throws(ModelError) -> Double {
    let arena = try Arena(byteCount: bytesRead, isHot: true)
    // Pages that nobody has written to are all the same one.
    unsafe spark_pool_run(
      compute.pool,
      { context, begin, end in
        for item in begin..<end {
          unsafe (context! + item * MachineLimits.bytesPerItem)
            .initializeMemory(as: UInt8.self, repeating: 1, count: MachineLimits.bytesPerItem)
        }
      }, arena.base, bytesRead / bytesPerItem, 16)
    return best(of: 6, work: Double(bytesRead)) {
      unsafe spark_pool_run(
        compute.pool,
        { context, begin, end in
          let bytes = unsafe context! + begin * MachineLimits.bytesPerItem
          var (a, b) = (SIMD16<UInt64>(), SIMD16<UInt64>())
          for offset in stride(
            from: 0, to: (end - begin) * MachineLimits.bytesPerItem, by: 256)
          {
            unsafe a |= bytes.load(fromByteOffset: offset, as: SIMD16<UInt64>.self)
            unsafe b |= bytes.load(fromByteOffset: offset + 128, as: SIMD16<UInt64>.self)
          }
          // So that nobody finds the loop to be of no use.
          precondition(a.wrappedSum() | b.wrappedSum() != 0)
        }, arena.base, bytesRead / bytesPerItem, 16)
    }
  }

  /// The fastest product of a prompt's rows with a matrix that stays in caches.
  private static func peak(_ compute: Compute, _ type: TensorType) throws(ModelError) -> Double {
    let (rows, matrixRows, width) = (256, 512, 1024)
    let panelBytes = spark_panel_bytes(type.kernelType, width)
    var cursor = ArenaCursor()
    let panelsAt = cursor.take(matrixRows / Int(SPARK_PANEL_ROWS) * panelBytes)
    let offsets = Activations.reserve(rows: rows, width: width, &cursor)
    let outAt = cursor.take(rows * matrixRows * MemoryLayout<Float>.size)
    let arena = try Arena(byteCount: cursor.byteCount, isHot: true)
    let activations = Activations(offsets: offsets, width: width, in: arena)
    var x = unsafe activations.rows(rows)
    unsafe spark_quantize(compute.pool, compute.kernels, &x)
    let out = unsafe (arena.base + outAt).bindMemory(to: Float.self, capacity: rows * matrixRows)
    let panels = unsafe (arena.base + panelsAt).assumingMemoryBound(to: UInt8.self)
    var product = unsafe spark_product(
      panels: panels, panel_bytes: panelBytes, type: type.kernelType, rows: matrixRows, bias: nil,
      accumulate: false, out: out, stride: matrixRows)
    return best(of: 6, work: Double(2 * rows * matrixRows * width)) {
      unsafe spark_multiply(compute.pool, compute.kernels, &product, 1, &x)
    }
  }

  /// The greatest rate, in units of `work` per second, of as many tries; the first one is not counted.
  private static func best(of tries: Int, work: Double, _ body: () -> Void) -> Double {
    var best = Duration.seconds(3600)
    for round in 0..<tries {
      let time = ContinuousClock().measure(body)
      if round > 0 { best = min(best, time) }
    }
    return work / max(best / .seconds(1), 1e-9)
  }
}
