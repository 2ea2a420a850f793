internal import CKernels

/// Places for m rows of `width` activations, as floats and as what matrices are multiplied with: bytes with
/// scales, or, for rows of a prompt, tiles.
@safe
struct Activations {
  private let template: spark_activations
  let x: UnsafeMutablePointer<Float>

  /// - Parameter tiles: whether any rows may be tiles.
  static func reserve(
    rows: Int, width: Int, tiles: Bool, _ cursor: inout ArenaCursor
  ) -> [Int] {
    let groups = rows * (width / SPARK_GROUP + 1)
    return [
      cursor.take(rows * width * MemoryLayout<Float>.size), cursor.take(rows * width),
      cursor.take(groups * 4), cursor.take(groups * 4), cursor.take(groups * 4),
      cursor.take(groups * 8),
      // Whole tiles of 16 rows.
      cursor.take(tiles ? (rows + 15) / 16 * 16 * width * 2 : 0),
    ]
  }

  /// `offsets` as `reserve` gave them.
  init(offsets: [Int], width: Int, in arena: Arena) {
    let base = unsafe arena.base
    unsafe x = (base + offsets[0]).assumingMemoryBound(to: Float.self)
    unsafe template = spark_activations(
      x: x, q: (base + offsets[1]).assumingMemoryBound(to: Int8.self),
      scale: (base + offsets[2]).assumingMemoryBound(to: Float.self),
      scaled_sum: (base + offsets[3]).assumingMemoryBound(to: Float.self),
      negative_sum: (base + offsets[4]).assumingMemoryBound(to: Int32.self),
      negative_half: (base + offsets[5]).assumingMemoryBound(to: Int32.self),
      m: 0, k: width, prompt: 0,
      tiles: (base + offsets[6]).assumingMemoryBound(to: UInt16.self))
  }

  /// The first `rows` rows, for the kernels.
  ///
  /// - Parameter prompt: the first that is multiplied as a prompt's; nil: none is.
  func rows(_ rows: Int, prompt: Int? = nil) -> spark_activations {
    var view = unsafe template
    unsafe view.m = rows
    unsafe view.prompt = prompt ?? rows
    return unsafe view
  }
}
