#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

extension ForwardPass {
  /// Lets rows that may leave early do so after one of `layers` layers, when their best token is as likely
  /// there as `confidence`.
  ///
  /// What a row computes still depends on its own token and view only. Its keys and values of the layers
  /// that it leaves out are those that they have of the stream it left with, so that later rows find some.
  package func allowExits(at layers: [Int], confidence: Float) throws(ModelError) {
    let layers = layers.filter { (1..<model.layers.count).contains($0) }.sorted()
    exits = try EarlyExits(
      layers: layers, confidence: confidence, rows: step.maxLogitRows, shape: model.shape)
  }

  /// The layers that the step's `index`th row that wants logits went through in the last run.
  package func depth(_ index: Int) -> Int {
    guard let exits, exits.depths[index] > 0 else { return model.layers.count }
    return exits.depths[index]
  }

  func runWithExits() {
    let count = step.logitRowCount
    var layer = 0
    for checkpoint in exits!.layers {
      for index in layer..<checkpoint { forward(layer: index) }
      layer = checkpoint
      leave(after: checkpoint)
    }
    for index in layer..<model.layers.count { forward(layer: index) }
    exits!.candidates.removeAll(keepingCapacity: true)
    for index in 0..<count where exits!.depths[index] == 0 { exits!.candidates.append(index) }
    takeLogits { _ in true }
  }

  /// One layer for all that are still there. Those that have left go through it beside others, so that
  /// nobody's rows move, and are put back.
  private func forward(layer: Int) {
    let count = step.logitRowCount
    guard step.rows > count || (0..<count).contains(where: { exits!.depths[$0] == 0 }) else {
      return fill(layer: layer)
    }
    run(layers: layer..<layer + 1)
    let width = model.shape.width
    for index in 0..<count where exits!.depths[index] > 0 {
      unsafe stream(ofLogits: index).update(from: exits!.streams + index * width, count: width)
    }
  }

  /// Notes which of the rows that may leave are sure enough.
  private func leave(after layers: Int) {
    exits!.candidates.removeAll(keepingCapacity: true)
    for index in 0..<step.logitRowCount
    where unsafe step.mayLeave[index] && exits!.depths[index] == 0 {
      exits!.candidates.append(index)
    }
    let (confidence, width) = (exits!.confidence, model.shape.width)
    takeLogits { index in
      let logits = unsafe UnsafeBufferPointer(
        start: exits!.logits + index.place * model.shape.vocabularySize,
        count: model.shape.vocabularySize)
      guard unsafe probabilityOfBest(Span(_unsafeElements: logits), least: confidence) >= confidence
      else { return false }
      exits!.depths[index.row] = layers
      unsafe (exits!.streams + index.row * width).update(
        from: stream(ofLogits: index.row), count: width)
      return true
    }
  }

  /// Computes the logits of the candidates with the stream as it is, and keeps those that `isTaken` says.
  private func takeLogits(_ isTaken: ((place: Int, row: Int)) -> Bool) {
    let vocabulary = model.shape.vocabularySize
    unsafe computeLogits(of: exits!.candidates, into: exits!.logits)
    for (place, row) in exits!.candidates.enumerated() where isTaken((place, row)) {
      unsafe (logitsBuffer + row * vocabulary).update(
        from: exits!.logits + place * vocabulary, count: vocabulary)
    }
  }
}

/// The probability of the likeliest token; something below `least` where it is less than that.
package func probabilityOfBest(_ logits: Span<Float>, least: Float = 0.05) -> Float {
  var best = -Float.infinity
  for index in logits.indices where logits[index] > best { best = logits[index] }
  guard best.isFinite else { return 0 }
  var sum: Float = 0
  for index in logits.indices {
    // What is e⁻¹⁶ of the best changes nothing, were it the whole vocabulary.
    let difference = logits[index] - best
    guard difference > -16 else { continue }
    sum += expf(difference)
    if sum * least > 1 { break }
  }
  return 1 / sum
}
