import CKernels
import Foundation
import Model

/// The transformer as the papers write it, in double precision, without blocks, kernels or caches
/// of rotated keys: at each token every visible key is rotated anew to its place in the view.
///
/// What a token may see is given by a closure, so that windows and sinks are spelt out a second
/// time, independently of the code under test.
struct ReferenceTransformer {
  /// A key's index in the sequence and the virtual position it is placed at.
  typealias Place = (index: Int, position: Int)

  private let shape: Hyperparameters
  private let interleaved: Bool
  private let file: GGUFFile
  private let frequencies: [Double]

  init(path: String) throws {
    file = try GGUFFile(path: path)
    let architecture = try ModelDescription.architecture(of: file)
    shape = try Hyperparameters(file: file, architecture: architecture.name)
    interleaved = architecture.interleavesRoPE
    var frequencies = shape.ropeScaling.frequencies(base: shape.ropeBase, rotary: shape.rotary)
    if let factors = file.tensor(named: "rope_freqs.weight") {
      let values = Self.floats(factors, in: file)
      for index in frequencies.indices { frequencies[index] /= values[index] }
    }
    self.frequencies = frequencies
  }

  private static func floats(_ tensor: GGUFTensor, in file: GGUFFile) -> [Double] {
    var row = [Float](repeating: 0, count: tensor.elementCount)
    file.withUnsafeBytes(of: tensor) { bytes in
      spark_dequantize_row(
        tensor.type.kernelType, bytes.baseAddress!, tensor.elementCount, &row)
    }
    return row.map(Double.init)
  }

  private func weights(_ name: String) -> [Double]? {
    file.tensor(named: name).map { Self.floats($0, in: file) }
  }

  private func multiply(_ name: String, _ x: [Double]) -> [Double] {
    let w = weights(name + ".weight")!
    let rows = w.count / x.count
    let bias = weights(name + ".bias")
    return (0..<rows).map { row in
      var sum = bias?[row] ?? 0
      for i in x.indices { sum += w[row * x.count + i] * x[i] }
      return sum
    }
  }

  private func normalize(_ x: [Double], _ name: String) -> [Double] {
    let w = weights(name)!
    let scale =
      1 / (x.reduce(0) { $0 + $1 * $1 } / Double(x.count) + Double(shape.normEpsilon)).squareRoot()
    return x.indices.map { x[$0] * scale * w[$0 % w.count] }
  }

  private func rotate(_ x: [Double], to position: Int) -> [Double] {
    var out = x
    for (pair, frequency) in frequencies.enumerated() {
      let a = interleaved ? 2 * pair : pair
      let b = interleaved ? 2 * pair + 1 : pair + frequencies.count
      let angle = Double(position) * frequency
      let (c, s) = (
        cos(angle) * shape.ropeScaling.magnitude, sin(angle) * shape.ropeScaling.magnitude
      )
      out[a] = x[a] * c - x[b] * s
      out[b] = x[a] * s + x[b] * c
    }
    return out
  }

  private func heads(_ x: [Double], norm: String?) -> [[Double]] {
    stride(from: 0, to: x.count, by: shape.headDimension).map { start in
      let head = Array(x[start..<start + shape.headDimension])
      guard let norm, file.tensor(named: norm) != nil else { return head }
      return normalize(head, norm)
    }
  }

  /// Logits after each token. `view(t)` are the keys that token t sees, itself included, last.
  func logits(_ tokens: [TokenID], view: (Int) -> [Place]) -> [[Double]] {
    let embedding = weights("token_embd.weight")!
    var stream = tokens.map { token in
      Array(embedding[Int(token) * shape.width..<(Int(token) + 1) * shape.width])
    }
    for layer in 0..<shape.layers {
      let name = "blk.\(layer)."
      let normalized = stream.map { normalize($0, name + "attn_norm.weight") }
      let queries = normalized.map {
        heads(multiply(name + "attn_q", $0), norm: name + "attn_q_norm.weight")
      }
      let keys = normalized.map {
        heads(multiply(name + "attn_k", $0), norm: name + "attn_k_norm.weight")
      }
      let values = normalized.map { heads(multiply(name + "attn_v", $0), norm: nil) }
      for t in tokens.indices {
        let places = view(t)
        precondition(places.last!.index == t)
        var attended: [Double] = []
        for head in 0..<shape.heads {
          let kvHead = head / (shape.heads / shape.kvHeads)
          let q = rotate(queries[t][head], to: places.last!.position)
          let scores = places.map { place in
            let k = rotate(keys[place.index][kvHead], to: place.position)
            return zip(q, k).reduce(0) { $0 + $1.0 * $1.1 }
              / Double(shape.headDimension).squareRoot()
          }
          let highest = scores.max()!
          let weights = scores.map { exp($0 - highest) }
          let total = weights.reduce(0, +)
          for i in 0..<shape.headDimension {
            var sum = 0.0
            for (place, weight) in zip(places, weights) {
              sum += weight * values[place.index][kvHead][i]
            }
            attended.append(sum / total)
          }
        }
        for (i, value) in multiply(name + "attn_output", attended).enumerated() {
          stream[t][i] += value
        }
        let h = normalize(stream[t], name + "ffn_norm.weight")
        let gate = multiply(name + "ffn_gate", h)
        let up = multiply(name + "ffn_up", h)
        let hidden = zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
        for (i, value) in multiply(name + "ffn_down", hidden).enumerated() {
          stream[t][i] += value
        }
      }
    }
    let output = file.tensor(named: "output.weight") == nil ? "token_embd" : "output"
    return stream.map { multiply(output, normalize($0, "output_norm.weight")) }
  }
}
