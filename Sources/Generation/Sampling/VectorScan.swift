// Passes over whole vocabularies of logits. A float comparison loop is not vectorised by itself,
// because the order of NaNs would change; these say what NaN means and use SIMD.

private typealias Lanes = SIMD16<Float>

/// The largest value, NaN ignored; minus infinity if there is none.
package func largest(of values: Span<Float>) -> Float {
  var lanes = Lanes(repeating: -.infinity)
  let whole = values.count - values.count % Lanes.scalarCount
  unsafe values.withUnsafeBytes { bytes in
    for start in stride(from: 0, to: whole, by: Lanes.scalarCount) {
      let next = unsafe bytes.loadUnaligned(fromByteOffset: start * 4, as: Lanes.self)
      // A comparison with NaN is false: it never gets in.
      lanes.replace(with: next, where: next .> lanes)
    }
  }
  var largest = lanes.max()
  for index in whole..<values.count where values[index] > largest { largest = values[index] }
  return largest
}

/// The lowest index of the largest value, NaN ignored; 0 if all are NaN or minus infinity.
package func indexOfLargest(in values: Span<Float>) -> Int {
  firstIndex(in: values, from: 0, atLeast: largest(of: values)) ?? 0
}

/// The first index, `start` or later, of a value that is at least `threshold`.
package func firstIndex(
  in values: Span<Float>, from start: Int, atLeast threshold: Float
) -> Int? {
  let lanes = Lanes(repeating: threshold)
  var index = start
  unsafe values.withUnsafeBytes { bytes in
    while index + Lanes.scalarCount <= values.count {
      let next = unsafe bytes.loadUnaligned(fromByteOffset: index * 4, as: Lanes.self)
      if any(next .>= lanes) { return }
      index += Lanes.scalarCount
    }
  }
  while index < values.count {
    if values[index] >= threshold { return index }
    index += 1
  }
  return nil
}
