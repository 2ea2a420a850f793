package import CKernels

#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Cosines and sines of the rotary angles, [positions][rotary / 2] each (Su et al. 2021,
/// arXiv:2104.09864).
///
/// Angles are computed in double precision, so that far positions are as exact as near ones.
@safe
package final class RoPETable {
  package let rotary: Int
  package let isInterleaved: Bool
  private let frequencies: [Double]
  package let magnitude: Double
  private let arena: Arena
  private let limit: Int
  /// Positions computed so far.
  package private(set) var positions = 0

  /// A table for up to `limit` positions, of which none is computed yet.
  package init(
    frequencies: [Double], magnitude: Double, isInterleaved: Bool, limit: Int
  ) throws(ModelError) {
    rotary = frequencies.count * 2
    self.frequencies = frequencies
    self.magnitude = magnitude
    self.isInterleaved = isInterleaved
    self.limit = limit
    arena = try Arena(byteCount: limit * rotary * MemoryLayout<Float>.size)
  }

  /// Bytes reserved, touched or not.
  var byteCount: Int { arena.byteCount }

  private var cosines: UnsafeMutablePointer<Float> {
    unsafe arena.base.assumingMemoryBound(to: Float.self)
  }

  private var sines: UnsafeMutablePointer<Float> {
    unsafe cosines + limit * (rotary / 2)
  }

  /// Computes what is missing of positions `0..<count`, and some more, so that decoding token by
  /// token seldom has to.
  package func ensure(_ count: Int) {
    precondition(count <= limit, "position \(count) of a RoPE table of \(limit)")
    let pairs = frequencies.count
    let end = positions < count ? min(limit, (count + 255) / 256 * 256) : positions
    while positions < end {
      for pair in 0..<pairs {
        let angle = Double(positions) * frequencies[pair]
        unsafe cosines[positions * pairs + pair] = Float(cos(angle) * magnitude)
        unsafe sines[positions * pairs + pair] = Float(sin(angle) * magnitude)
      }
      positions += 1
    }
  }

  package var kernelTable: spark_rope {
    unsafe spark_rope(
      cosine: cosines, sine: sines, rotary: Int32(rotary), interleaved: isInterleaved)
  }
}
