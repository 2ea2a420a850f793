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

/// How many values are at least `threshold`.
package func countOfValues(in values: Span<Float>, atLeast threshold: Float) -> Int {
  var count = 0
  for index in values.indices { count += values[index] >= threshold ? 1 : 0 }
  return count
}

/// The standard deviation of the values that are not minus infinity; `nil` if there are none.
///
/// - Parameter largest: The largest value. Measured from there, the squares stay small.
package func standardDeviation(of values: Span<Float>, from largest: Float) -> Double? {
  guard largest > -.infinity else { return nil }
  var count = 0.0
  var sum = 0.0
  var squares = 0.0
  var start = 0
  unsafe values.withUnsafeBytes { bytes in
    var (counts, sums, squaredSums) = (SIMD8<Double>(), SIMD8<Double>(), SIMD8<Double>())
    while start + 8 <= values.count {
      let next = unsafe bytes.loadUnaligned(fromByteOffset: start * 4, as: SIMD8<Float>.self)
      let isPossible = next .> -.infinity
      let difference = SIMD8<Double>((next - largest).replacing(with: 0, where: .!isPossible))
      counts += SIMD8(SIMD8<Float>().replacing(with: 1, where: isPossible))
      sums += difference
      squaredSums += difference * difference
      start += 8
    }
    (count, sum, squares) = (counts.sum(), sums.sum(), squaredSums.sum())
  }
  for index in start..<values.count where values[index] > -.infinity {
    let difference = Double(values[index] - largest)
    count += 1
    sum += difference
    squares += difference * difference
  }
  let mean = sum / count
  return max(0, squares / count - mean * mean).squareRoot()
}
