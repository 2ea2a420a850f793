/// Where, and how sure of its next token, a row may leave a pass before the last layer.
///
/// Lossy: the model was asked for all of its layers. Written after T. Schuster et al., "Confident Adaptive
/// Language Modeling" (2022, arXiv:2207.07061), with the softmax's greatest probability as the measure.
@safe
struct EarlyExits {
  /// Numbers of layers after which rows may leave, ascending.
  let layers: [Int]
  /// The probability that a row's best token needs there.
  let confidence: Float
  /// Logits of a checkpoint, [maxLogitRows][vocabulary].
  let logits: UnsafeMutablePointer<Float>
  /// The streams of rows that have left, [maxLogitRows][width].
  let streams: UnsafeMutablePointer<Float>
  private let arena: Arena
  var byteCount: Int { arena.byteCount }
  /// The layers that each row that wants logits went through, [maxLogitRows].
  var depths: [Int]
  /// The rows that are held against a checkpoint, of those that want logits.
  var candidates: [Int] = []

  init(layers: [Int], confidence: Float, rows: Int, shape: Hyperparameters) throws(ModelError) {
    self.layers = layers
    self.confidence = confidence
    let size = MemoryLayout<Float>.size
    var cursor = ArenaCursor()
    let logitsAt = cursor.take(rows * shape.vocabularySize * size)
    let streamsAt = cursor.take(rows * shape.width * size)
    arena = try Arena(byteCount: cursor.byteCount)
    unsafe logits = (arena.base + logitsAt).assumingMemoryBound(to: Float.self)
    unsafe streams = (arena.base + streamsAt).assumingMemoryBound(to: Float.self)
    depths = Array(repeating: 0, count: rows)
    candidates.reserveCapacity(rows)
  }
}
