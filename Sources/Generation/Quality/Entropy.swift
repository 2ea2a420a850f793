internal import Glibc

private typealias Lanes = SIMD16<Float>

/// The entropy of the softmax of `logits`, in nats: H = ln Z − Σ e^x·x / Z, with x measured from the largest.
///
/// For watching, not for comparing: exponentials are exact to 3 millionths. NaN counts as minus infinity; where
/// nothing is possible, the entropy is 0.
package func entropy(of logits: Span<Float>) -> Float {
  let largest = largest(of: logits)
  guard largest > -.infinity else { return 0 }
  if largest == .infinity { return 0 }
  var (weights, weighted) = (Lanes(), Lanes())
  let whole = logits.count - logits.count % Lanes.scalarCount
  unsafe logits.withUnsafeBytes { bytes in
    for start in stride(from: 0, to: whole, by: Lanes.scalarCount) {
      let next = unsafe bytes.loadUnaligned(fromByteOffset: start * 4, as: Lanes.self)
      add(next - largest, &weights, &weighted)
    }
  }
  if whole < logits.count {
    var rest = Lanes(repeating: -.infinity)
    for index in whole..<logits.count { rest[index - whole] = logits[index] }
    add(rest - largest, &weights, &weighted)
  }
  let total = weights.sum()
  return max(0, log(total) - weighted.sum() / total)
}

@inline(__always)
private func add(_ x: Lanes, _ weights: inout Lanes, _ weighted: inout Lanes) {
  // Less than this adds nothing, and NaN is not more.
  let x = x.replacing(with: least, where: .!(x .> least))
  let weight = exponential(x)
  weights += weight
  weighted += weight * x
}

private let least: Float = -80

/// e^x for x in -80...0: 2^n from the exponent's bits, times 2^f, f in -1/2...1/2, as a Taylor polynomial.
@inline(__always)
private func exponential(_ x: Lanes) -> Lanes {
  // Adding 1.5·2^23 rounds to a whole number, which then is in the low bits.
  let shift: Float = 12_582_912
  let t = x * Float(1.442_695_04)
  let shifted = t + shift
  let f = (t - (shifted - shift)) * Float(0.693_147_18)
  var power = Lanes(repeating: 1 / 120)
  power = power * f + Float(1.0 / 24)
  power = power * f + Float(1.0 / 6)
  power = power * f + Float(0.5)
  power = power * f + Float(1)
  power = power * f + Float(1)
  let n = unsafe unsafeBitCast(shifted, to: SIMD16<Int32>.self) &- 0x4B40_0000
  let scale = unsafe unsafeBitCast((n &+ 127) &<< 23, to: Lanes.self)
  return power * scale
}

extension Float {
  /// The natural one.
  var logarithm: Float { log(self) }
}
