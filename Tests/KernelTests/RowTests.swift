import CKernels
import Foundation
import Testing

/// Norm, SwiGLU and RoPE: every variant against the scalar one, and that against the formula.
@Suite struct RowTests {
  private typealias Kernels = UnsafePointer<spark_kernels>

  /// Runs `body` for each variant on the same input at each misalignment; all must agree in bits.
  private func agree(
    _ what: String, _ body: (_ kernels: UnsafePointer<spark_kernels>, _ offset: Int) -> [Float]
  ) {
    for offset in 0..<4 {
      let reference = body(scalar, offset).map(\.bitPattern)
      for variant in variants {
        let found = body(variant.kernels, offset).map(\.bitPattern)
        #expect(found == reference, "\(variant.name), \(what), offset \(offset)")
      }
    }
  }

  @Test("RMS norms agree at every length and alignment, and equal the formula")
  func rmsNorm() {
    for n in 1...35 {
      var numbers = Numbers(seed: UInt64(n))
      let (x, weight) = (numbers.floats(n), numbers.floats(n))
      agree("\(n) elements") { kernels, offset in
        let scratch = Scratch()
        let out = scratch.make([Float](repeating: 9, count: n + 1), offset: offset)
        kernels.pointee.rms_norm(
          scratch.make(x, offset: offset), scratch.make(weight, offset: offset), 1e-5, n, out)
        #expect(out[n] == 9)
        return array(out, n)
      }
      var out = [Float](repeating: 0, count: n)
      scalar.pointee.rms_norm(x, weight, 1e-5, n, &out)
      let mean = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(n)
      for i in 0..<n {
        let expected = Double(x[i]) / (mean + 1e-5).squareRoot() * Double(weight[i])
        #expect(abs(Double(out[i]) - expected) <= 1e-5 * max(1, abs(expected)))
      }
    }
  }

  @Test("SwiGLU agrees at every length and alignment, and equals the formula")
  func swiglu() {
    for n in 0...35 {
      var numbers = Numbers(seed: UInt64(n))
      var gate = numbers.floats(n, in: -20...20)
      if n > 3 { gate.replaceSubrange(0..<3, with: [-1000, 1000, 0]) }
      let up = numbers.floats(n)
      agree("\(n) elements") { kernels, offset in
        let scratch = Scratch()
        let out = scratch.make([Float](repeating: 9, count: n + 1), offset: offset)
        kernels.pointee.swiglu(
          scratch.make(gate, offset: offset), scratch.make(up, offset: offset), n, out)
        #expect(out[n] == 9)
        return array(out, n)
      }
      var out = [Float](repeating: 0, count: max(1, n))
      scalar.pointee.swiglu(gate, up, n, &out)
      for i in 0..<n {
        let g = Double(gate[i])
        let expected = g / (1 + exp(-g)) * Double(up[i])
        #expect(abs(Double(out[i]) - expected) <= 2e-6 * max(1, abs(expected)))
      }
    }
  }

  @Test("RoPE agrees for every number of pairs and both pairings", arguments: [true, false])
  func rope(interleaved: Bool) {
    for pairs in 1...35 {
      for extra in [0, 3] {
        let d = pairs * 2 + extra
        var numbers = Numbers(seed: UInt64(pairs))
        let x = numbers.floats(d)
        let angles = (0..<3 * pairs).map { Float($0) * 0.37 }
        let (cosines, sines) = (angles.map { cos($0) }, angles.map { sin($0) })
        agree("\(pairs) pairs") { kernels, offset in
          let scratch = Scratch()
          let out = scratch.make([Float](repeating: 9, count: d + 1), offset: offset)
          var rope = spark_rope(
            cosine: scratch.make(cosines), sine: scratch.make(sines), rotary: Int32(pairs * 2),
            interleaved: interleaved)
          kernels.pointee.rotate(&rope, 2, Int32(d), scratch.make(x, offset: offset), out)
          #expect(out[d] == 9)
          let result = array(out, d)
          for pair in 0..<pairs {
            let a = interleaved ? 2 * pair : pair
            let b = interleaved ? 2 * pair + 1 : pair + pairs
            let (c, s) = (cosines[2 * pairs + pair], sines[2 * pairs + pair])
            #expect(abs(result[a] - (x[a] * c - x[b] * s)) < 1e-5)
            #expect(abs(result[b] - (x[a] * s + x[b] * c)) < 1e-5)
          }
          #expect(Array(result[(pairs * 2)...]) == Array(x[(pairs * 2)...]))
          return result
        }
      }
    }
  }
}
