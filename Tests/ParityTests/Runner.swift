import Cascade
import Model

/// One sequence through the forward pass, in steps of any size.
final class Runner {
  let pass: ForwardPass
  let step: Step
  let pool: KVBlockPool
  var memory: WorkingMemory
  let model: LanguageModel

  init(
    _ model: LanguageModel, _ compute: Compute, window: Window = .full, sinks: Int = 4,
    type: KeyValueType = .f32, capacity: Int = 512, maxRows: Int = 512, blockLength: Int = 64
  ) throws {
    self.model = model
    let layout = KVLayout(
      layers: model.shape.layers, kvHeads: model.shape.kvHeads,
      headDimension: model.shape.headDimension, blockLength: blockLength, type: type)
    step = try Step(maxRows: maxRows, maxLogitRows: maxRows, maxSpans: 65536)
    let positions = WorkingMemory.positions(
      window, sinks: sinks, capacity: capacity, blockLength: layout.blockLength)
    pass = try ForwardPass(
      model: model, compute: compute, layout: layout, step: step, maxPositions: positions)
    pass.prepare(positions: positions)
    pool = try KVBlockPool(layout: layout, capacity: capacity / blockLength + 2)
    memory = WorkingMemory(
      window: window, sinks: sinks, blockLength: layout.blockLength, capacity: capacity)
  }

  /// The last step's logits of a wanted row.
  func logits(row: Int) -> [Float] {
    let pass = pass
    let logits = pass.logits(row)
    return logits.indices.map { logits[$0] }
  }

  /// Adds `tokens` of a sequence to the step.
  func append(
    _ tokens: [TokenID], to memory: inout WorkingMemory, logits: Int, isPrompt: Bool = false
  ) -> Bool {
    step.nextIsPrompt = isPrompt
    return memory.append(tokens.span, to: step, from: pool, logits: logits)
  }

  /// Logits after each of `tokens`, which are fed in steps of `chunk`.
  ///
  /// - Parameter isPrompt: whether they are read as a prompt.
  func logits(_ tokens: [TokenID], chunk: Int, isPrompt: Bool = false) -> [[Float]] {
    var result: [[Float]] = []
    for start in stride(from: 0, to: tokens.count, by: chunk) {
      let part = Array(tokens[start..<min(start + chunk, tokens.count)])
      step.clear()
      step.nextIsPrompt = isPrompt
      precondition(memory.append(part.span, to: step, from: pool, logits: part.count))
      pass.run()
      for row in part.indices { result.append(logits(row: row)) }
      memory.slide(in: pool)
    }
    return result
  }
}
