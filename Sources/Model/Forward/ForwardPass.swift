internal import CKernels

/// The transformer's forward pass for any mix of sequences: prompts, decoded tokens, beams and
/// drafts are rows of one `Step`, and the weights are read once for all of them.
///
/// Every buffer is made in `init`; `run` allocates nothing and takes no lock. What a row computes
/// depends on its own token and view only, and on whether it is a prompt's, bit for bit, never on the other
/// rows.
///
/// Shapes: m rows, width, heads, kvHeads and d = headDimension as in `Hyperparameters`.
@safe
package final class ForwardPass {
  package let model: LanguageModel

  private let compute: Compute
  /// What each part's time is booked in; nil: nowhere.
  let profile: PassProfile?
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
  let logitsBuffer: UnsafeMutablePointer<Float>  // [maxLogitRows][vocabulary]
  private let gathered: UnsafeMutablePointer<Float>  // [maxLogitRows][width], rows that want logits
  /// What rows may leave early by; nil: none may.
  var exits: EarlyExits?

  let step: Step
  private var rows = 0
  /// Whether rows of prompts are multiplied with arithmetic of their own.
  private let hasTiles: Bool
  /// Whether rows that want logits get their last hidden states alone, see ``state(_:)``.
  package var givesStatesOnly = false
  /// Asked once a layer what its queries should see; nil: what the step says.
  package var views: (any LayerViews)?

  /// Whether prompts are multiplied with other arithmetic than generated tokens: both operands rounded to
  /// bf16, where there is a unit for that, and bytes or floats otherwise.
  package static func hasTiles(_ compute: Compute, _ shape: Hyperparameters) -> Bool {
    unsafe compute.kernels.pointee.multiply_tiles != nil
      && [shape.width, shape.heads * shape.headDimension, shape.feedForward].allSatisfy {
        $0 % SPARK_GROUP == 0
      }
  }

  /// A pass of at most `step.maxRows` tokens over positions below `maxPositions`.
  ///
  /// - Parameter isExact: whether prompts are computed as generated tokens are, bit for bit.
  package init(
    model: LanguageModel, compute: Compute, layout: KVLayout, step: Step, maxPositions: Int,
    isExact: Bool = false, profile: PassProfile? = nil
  ) throws(ModelError) {
    let shape = model.shape
    let tiles = !isExact && Self.hasTiles(compute, shape)
    hasTiles = tiles
    self.model = model
    self.compute = compute
    self.profile = profile
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
    let normalizedAt = Activations.reserve(rows: maxRows, width: shape.width, tiles: tiles, &cursor)
    let queryAt = cursor.take(floats(maxRows * queryWidth))
    let keyAt = cursor.take(floats(maxRows * kvWidth))
    let valueAt = cursor.take(floats(maxRows * kvWidth))
    let attendedAt = Activations.reserve(rows: maxRows, width: queryWidth, tiles: tiles, &cursor)
    let upAt = cursor.take(floats(maxRows * shape.feedForward))
    let hiddenAt = Activations.reserve(
      rows: maxRows, width: shape.feedForward, tiles: tiles, &cursor)
    let logitsAt = cursor.take(floats(maxLogitRows * shape.vocabularySize))
    let gatheredAt = cursor.take(floats(maxLogitRows * shape.width))
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
    unsafe gathered = place(gatheredAt)
    rope.ensure(layout.blockLength)
  }

  /// Makes ready for views whose virtual positions stay below `count`; to be called before `run`.
  package func prepare(positions count: Int) { rope.ensure(count) }

  /// Runs all rows of the step given to `init` through all layers, and computes the logits that the
  /// step wants. Where ``allowExits(at:confidence:)`` lets them, rows that may leave early do.
  package func run() {
    guard begin() else { return }
    if exits != nil, (0..<step.logitRowCount).contains(where: { unsafe step.mayLeave[$0] }) {
      runWithExits()
    } else {
      run(layers: 0..<model.layers.count)
      computeLogits()
    }
    profile?.begin(.other)
  }

  /// The same through the first `layers` layers alone, with logits as if they were all: a guess at what
  /// the others would make of it (J. Zhang et al., "Draft & Verify", 2023, arXiv:2309.08168). Keys and
  /// values of the other layers stay as they are.
  package func run(first layers: Int) {
    precondition((1...model.layers.count).contains(layers), "\(layers) layers")
    guard begin() else { return }
    run(layers: 0..<layers)
    computeLogits()
  }

  private func begin() -> Bool {
    rows = step.rows
    for index in 0..<(exits == nil ? 0 : step.logitRowCount) { exits!.depths[index] = 0 }
    guard rows > 0 else { return false }
    precondition(step.positions <= rope.positions, "a query beyond the RoPE table's positions")
    embed()
    return true
  }

  func run(layers: Range<Int>) {
    for index in layers {
      profile?.enter(layer: index)
      model.architecture.forward(model.layers[index], index: index, self)
    }
    profile?.enter(layer: -1)
  }

  /// Stores the keys and values that a layer has of the stream as it is, which stays so.
  func fill(layer index: Int) {
    profile?.enter(layer: index)
    model.architecture.project(model.layers[index], self)
    unsafe withWrite(layer: index) { write, _, _ in
      profile?.begin(.keyValueStore, rows: rows)
      unsafe spark_store_kv(compute.pool, compute.kernels, &write, rows)
    }
    choose(layer: index)
    profile?.enter(layer: -1)
  }

  /// Has the layer's view chosen where that is its own.
  private func choose(layer: Int) {
    guard let views else { return }
    profile?.begin(.retrieval, rows: rows)
    unsafe views.choose(layer: layer, queries: query, in: step)
  }

  /// The stream of the row whose logits are the step's `index`th, [width].
  @unsafe
  func stream(ofLogits index: Int) -> UnsafeMutablePointer<Float> {
    unsafe stream + Int(step.logitRows[index]) * model.shape.width
  }

  /// Logits of the step's `index`th wanted row, [vocabulary], valid until the next run.
  @_lifetime(borrow self)
  package func logits(_ index: Int) -> Span<Float> {
    precondition(index < step.logitRowCount, "logit row \(index) of \(step.logitRowCount)")
    let count = model.shape.vocabularySize
    let row = unsafe UnsafeBufferPointer(start: logitsBuffer + index * count, count: count)
    return unsafe _overrideLifetime(Span(_unsafeElements: row), borrowing: self)
  }

  /// The last hidden state of the step's `index`th row that wants logits, after the output norm, [width],
  /// valid until the next run.
  @_lifetime(borrow self)
  package func state(_ index: Int) -> Span<Float> {
    precondition(index < step.logitRowCount, "row \(index) of \(step.logitRowCount)")
    let width = model.shape.width
    let row = unsafe UnsafeBufferPointer(start: normalized.x + index * width, count: width)
    return unsafe _overrideLifetime(Span(_unsafeElements: row), borrowing: self)
  }

  /// Bytes reserved to work in, touched or not.
  package var workspaceBytes: Int {
    arena.byteCount + rope.byteCount + step.byteCount + (exits?.byteCount ?? 0)
  }

  // MARK: - What architectures are written in

  /// h = RMSNorm(x), also in bytes when one of the products to come is `quantized`.
  package func normalize(_ weight: UnsafePointer<Float>, quantized: Bool) {
    profile?.begin(.norm, rows: rows)
    var h = unsafe normalized.rows(rows, prompt: firstPromptRow)
    unsafe spark_normalize(
      compute.pool, compute.kernels, stream, weight, model.shape.normEpsilon,
      quantized, &h)
  }

  /// q, k, v = Wq h, Wk h, Wv h, with their biases.
  package func projectAttention(_ layer: LayerWeights) {
    let shape = model.shape
    profile?.begin(.queryKeyValue, rows: rows)
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
    profile?.begin(.norm, rows: rows)
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
    unsafe withWrite(layer: layer) { write, layout, table in
      profile?.begin(.keyValueStore, rows: rows)
      unsafe spark_store_kv(compute.pool, compute.kernels, &write, rows)
      choose(layer: layer)
      profile?.beginAttention(step, isOfLayer: views != nil)
      var job = unsafe spark_attention(
        layout: layout, rope: table, runs: step.runs, run_count: step.runCount,
        spans: step.spans, layer: Int32(layer), heads: Int32(model.shape.heads), scale: scale,
        query: query, out: attended.x,
        prompt: firstPromptRow)
      unsafe spark_attend(compute.pool, compute.kernels, &job)
    }
    profile?.begin(.attentionOutput, rows: rows)
    var out = unsafe attended.rows(rows, prompt: firstPromptRow)
    unsafe spark_prepare(compute.pool, compute.kernels, quantized, &out)
  }

  /// Calls `body` with the order to store all rows' keys and values of a layer.
  private func withWrite(
    layer: Int,
    _ body: (inout spark_kv_write, UnsafePointer<spark_kv_layout>, UnsafePointer<spark_rope>) ->
      Void
  ) {
    var layout = kernelLayout
    var table = unsafe rope.kernelTable
    unsafe withUnsafePointer(to: &layout) { layout in
      unsafe withUnsafePointer(to: &table) { table in
        var write = unsafe spark_kv_write(
          layout: layout, rope: table, block: step.blocks, slot: step.slots,
          layer: Int32(layer), key: key, value: value)
        unsafe body(&write, layout, table)
      }
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
    profile?.begin(.gateUp, rows: rows)
    unsafe multiply(
      normalized,
      [
        unsafe gate.product(into: hidden.x, stride: width),
        unsafe upward.product(into: up, stride: width),
      ])
    profile?.begin(.activation, rows: rows)
    var view = unsafe hidden.rows(rows, prompt: firstPromptRow)
    unsafe spark_swiglu(
      compute.pool, compute.kernels, hidden.x, up, quantized, &view)
  }

  /// x ← x + Wdown a.
  package func addFeedForward(_ down: Linear) {
    profile?.begin(.down, rows: rows)
    unsafe multiply(
      hidden, [unsafe down.product(into: stream, stride: model.shape.width, accumulate: true)])
  }

  // MARK: - Private

  /// The first row that is multiplied as a prompt's.
  private var firstPromptRow: Int { hasTiles ? rows - step.promptRows : rows }

  /// Multiplies the same rows with several matrices in one dispatch.
  private func multiply<let count: Int>(_ x: Activations, _ products: [count of spark_product]) {
    var view = unsafe x.rows(rows, prompt: firstPromptRow)
    unsafe products.span.withUnsafeBufferPointer { products in
      unsafe spark_multiply(compute.pool, compute.kernels, products.baseAddress!, count, &view)
    }
  }

  /// x = rows of the embedding matrix, [m][width].
  private func embed() {
    profile?.begin(.embedding, rows: rows)
    for row in 0..<rows {
      unsafe model.embed(step.tokens[row], into: stream + row * model.shape.width)
    }
  }

  /// Norm and output matrix for the rows that want logits.
  private func computeLogits() {
    unsafe computeLogits(of: 0..<step.logitRowCount, into: logitsBuffer)
  }

  /// The same for some of them, gathered, with the stream as it is, which stays so.
  @unsafe
  func computeLogits(of wanted: some Collection<Int>, into out: UnsafeMutablePointer<Float>) {
    guard !wanted.isEmpty else { return }
    let width = model.shape.width
    profile?.begin(.norm, rows: wanted.count)
    for (place, index) in wanted.enumerated() {
      unsafe (gathered + place * width).update(from: stream(ofLogits: index), count: width)
    }
    let norm = unsafe model.outputNorm
    var h = unsafe normalized.rows(wanted.count)
    unsafe spark_normalize(
      compute.pool, compute.kernels, gathered, norm, model.shape.normEpsilon,
      model.output.type.isQuantized, &h)
    guard !givesStatesOnly else { return }
    profile?.begin(.head, rows: wanted.count)
    var product = unsafe model.output.product(into: out, stride: model.shape.vocabularySize)
    unsafe spark_multiply(compute.pool, compute.kernels, &product, 1, &h)
  }
}
