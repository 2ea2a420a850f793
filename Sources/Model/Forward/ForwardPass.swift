internal import CKernels

/// The transformer's forward pass for any mix of sequences: prompts, decoded tokens, beams and
/// drafts are rows of one `Step`, and the weights are read once for all of them.
///
/// Every buffer is made in `init`; `run` allocates nothing and takes no lock. What a row computes
/// depends on its own token and view only, bit for bit, never on the other rows.
///
/// Shapes: m rows, width, heads, kvHeads and d = headDimension as in `Hyperparameters`.
@safe
package final class ForwardPass {
  package let model: LanguageModel

  private let compute: Compute
  package let rope: RoPETable
  private let kernelLayout: spark_kv_layout
  private let scale: Float
  private let arena: Arena

  private let stream: UnsafeMutablePointer<Float>  // [m][width], the residual stream
  private let normalized: Activations  // [m][width]
  private let query: UnsafeMutablePointer<Float>  // [m][heads * d]
  private let key: UnsafeMutablePointer<Float>  // [m][kvHeads * d]
  private let value: UnsafeMutablePointer<Float>  // [m][kvHeads * d]
  private let attended: Activations  // [m][heads * d]
  private let up: UnsafeMutablePointer<Float>  // [m][feedForward]
  private let hidden: Activations  // [m][feedForward]
  private let logitsBuffer: UnsafeMutablePointer<Float>  // [maxLogitRows][vocabulary]

  private let step: Step
  private var rows = 0
  /// Asked once a layer what its queries should see; nil: what the step says.
  package var views: (any LayerViews)?

  /// A pass of at most `step.maxRows` tokens over positions below `maxPositions`.
  package init(
    model: LanguageModel, compute: Compute, layout: KVLayout, step: Step, maxPositions: Int
  ) throws(ModelError) {
    let shape = model.shape
    self.model = model
    self.compute = compute
    self.step = step
    let maxRows = step.maxRows
    let maxLogitRows = step.maxLogitRows
    kernelLayout = layout.kernelLayout
    scale = 1 / Float(shape.headDimension).squareRoot()
    rope = try model.makeRoPETable(limit: max(maxPositions, layout.blockLength))

    let queryWidth = shape.heads * shape.headDimension
    let kvWidth = shape.kvHeads * shape.headDimension
    let floats = { (count: Int) in count * MemoryLayout<Float>.size }
    var cursor = ArenaCursor()
    let streamAt = cursor.take(floats(maxRows * shape.width))
    let normalizedAt = Activations.reserve(rows: maxRows, width: shape.width, &cursor)
    let queryAt = cursor.take(floats(maxRows * queryWidth))
    let keyAt = cursor.take(floats(maxRows * kvWidth))
    let valueAt = cursor.take(floats(maxRows * kvWidth))
    let attendedAt = Activations.reserve(rows: maxRows, width: queryWidth, &cursor)
    let upAt = cursor.take(floats(maxRows * shape.feedForward))
    let hiddenAt = Activations.reserve(rows: maxRows, width: shape.feedForward, &cursor)
    let logitsAt = cursor.take(floats(maxLogitRows * shape.vocabularySize))
    let arena = try Arena(byteCount: cursor.byteCount)
    func place(_ offset: Int) -> UnsafeMutablePointer<Float> {
      unsafe (arena.base + offset).assumingMemoryBound(to: Float.self)
    }
    self.arena = arena
    unsafe stream = place(streamAt)
    normalized = Activations(offsets: normalizedAt, width: shape.width, in: arena)
    unsafe query = place(queryAt)
    unsafe key = place(keyAt)
    unsafe value = place(valueAt)
    attended = Activations(offsets: attendedAt, width: queryWidth, in: arena)
    unsafe up = place(upAt)
    hidden = Activations(offsets: hiddenAt, width: shape.feedForward, in: arena)
    unsafe logitsBuffer = place(logitsAt)
    rope.ensure(layout.blockLength)
  }

  /// Makes ready for views whose virtual positions stay below `count`; to be called before `run`.
  package func prepare(positions count: Int) { rope.ensure(count) }

  /// Runs all rows of the step given to `init` through all layers, and computes the logits that the
  /// step wants.
  package func run() {
    rows = step.rows
    guard rows > 0 else { return }
    precondition(step.positions <= rope.positions, "a query beyond the RoPE table's positions")
    embed()
    for (index, layer) in model.layers.enumerated() {
      model.architecture.forward(layer, index: index, self)
    }
    computeLogits()
  }

  /// Logits of the step's `index`th wanted row, [vocabulary], valid until the next run.
  @_lifetime(borrow self)
  package func logits(_ index: Int) -> Span<Float> {
    precondition(index < step.logitRowCount, "logit row \(index) of \(step.logitRowCount)")
    let count = model.shape.vocabularySize
    let row = unsafe UnsafeBufferPointer(start: logitsBuffer + index * count, count: count)
    return unsafe _overrideLifetime(Span(_unsafeElements: row), borrowing: self)
  }

  // MARK: - What architectures are written in

  /// h = RMSNorm(x), also in bytes when one of the products to come is `quantized`.
  package func normalize(_ weight: UnsafePointer<Float>, quantized: Bool) {
    var h = unsafe normalized.rows(rows)
    unsafe spark_normalize(
      compute.pool, compute.kernels, stream, weight, model.shape.normEpsilon,
      quantized, &h)
  }

  /// q, k, v = Wq h, Wk h, Wv h, with their biases.
  package func projectAttention(_ layer: LayerWeights) {
    let shape = model.shape
    unsafe multiply(
      normalized,
      [
        unsafe layer.query.product(into: query, stride: shape.heads * shape.headDimension),
        unsafe layer.key.product(into: key, stride: shape.kvHeads * shape.headDimension),
        unsafe layer.value.product(into: value, stride: shape.kvHeads * shape.headDimension),
      ])
  }

  /// RMSNorm over each head of q and of k.
  package func normalizeHeads(
    query queryWeight: UnsafePointer<Float>, key keyWeight: UnsafePointer<Float>
  ) {
    let d = model.shape.headDimension
    let norm = unsafe compute.kernels.pointee.rms_norm!
    for head in 0..<rows * model.shape.heads {
      let x = unsafe query + head * d
      unsafe norm(x, queryWeight, model.shape.normEpsilon, d, x)
    }
    for head in 0..<rows * model.shape.kvHeads {
      let x = unsafe key + head * d
      unsafe norm(x, keyWeight, model.shape.normEpsilon, d, x)
    }
  }

  /// Stores k and v in their blocks, then attends over each row's view.
  package func attend(layer: Int, quantized: Bool) {
    var layout = kernelLayout
    var table = unsafe rope.kernelTable
    let out = unsafe attended.rows(rows)
    unsafe withUnsafePointer(to: &layout) { layout in
      unsafe withUnsafePointer(to: &table) { table in
        var write = unsafe spark_kv_write(
          layout: layout, rope: table, block: step.blocks, slot: step.slots,
          layer: Int32(layer), key: key, value: value)
        unsafe spark_store_kv(compute.pool, compute.kernels, &write, rows)
        unsafe views?.choose(layer: layer, queries: query, in: step)
        var job = unsafe spark_attention(
          layout: layout, rope: table, runs: step.runs, run_count: step.runCount,
          spans: step.spans, layer: Int32(layer), heads: Int32(model.shape.heads), scale: scale,
          query: query, out: attended.x)
        unsafe spark_attend(compute.pool, compute.kernels, &job)
      }
    }
    if quantized {
      var view = unsafe out
      unsafe spark_quantize(compute.pool, compute.kernels, &view)
    }
  }

  /// x ← x + Wo a, a being the attention's output.
  package func addAttention(_ output: Linear) {
    unsafe multiply(
      attended,
      [unsafe output.product(into: stream, stride: model.shape.width, accumulate: true)])
  }

  /// a = silu(Wgate h) ⊙ Wup h.
  package func swiGLU(gate: Linear, up upward: Linear, quantized: Bool) {
    let width = model.shape.feedForward
    unsafe multiply(
      normalized,
      [
        unsafe gate.product(into: hidden.x, stride: width),
        unsafe upward.product(into: up, stride: width),
      ])
    var view = unsafe hidden.rows(rows)
    unsafe spark_swiglu(
      compute.pool, compute.kernels, hidden.x, up, quantized, &view)
  }

  /// x ← x + Wdown a.
  package func addFeedForward(_ down: Linear) {
    unsafe multiply(
      hidden, [unsafe down.product(into: stream, stride: model.shape.width, accumulate: true)])
  }

  // MARK: - Private

  /// Multiplies the same rows with several matrices in one dispatch.
  private func multiply<let count: Int>(_ x: Activations, _ products: [count of spark_product]) {
    var view = unsafe x.rows(rows)
    unsafe products.span.withUnsafeBufferPointer { products in
      unsafe spark_multiply(compute.pool, compute.kernels, products.baseAddress!, count, &view)
    }
  }

  /// x = rows of the embedding matrix, [m][width].
  private func embed() {
    for row in 0..<rows {
      unsafe model.embed(step.tokens[row], into: stream + row * model.shape.width)
    }
  }

  /// Norm and output matrix for the rows that want logits, gathered to the front of the stream.
  private func computeLogits() {
    let wanted = step.logitRowCount
    guard wanted > 0 else { return }
    let width = model.shape.width
    for index in 0..<wanted {
      let row = unsafe Int(step.logitRows[index])
      if row != index {
        unsafe (stream + index * width).update(from: stream + row * width, count: width)
      }
    }
    rows = wanted
    unsafe normalize(model.outputNorm, quantized: model.output.type.isQuantized)
    unsafe multiply(
      normalized,
      [unsafe model.output.product(into: logitsBuffer, stride: model.shape.vocabularySize)])
  }
}
