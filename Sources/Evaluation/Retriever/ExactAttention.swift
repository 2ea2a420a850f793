internal import Glibc

/// One head's softmax attention, token by token as its formula has it (Vaswani et al. 2017,
/// arXiv:1706.03762): what retrievers are measured against.
package struct ExactAttention: Sendable {
  /// Turned to their positions in the text, [tokens][d].
  private let keys: [Float]
  private let d: Int
  private let scale: Float

  package init(keys: [Float], d: Int) {
    precondition(d > 0 && keys.count % d == 0, "\(keys.count) numbers are no keys of \(d)")
    self.keys = keys
    self.d = d
    scale = 1 / Float(d).squareRoot()
  }

  package var tokens: Int { keys.count / d }

  /// How `query`, turned to its position, [d], divides its attention among tokens `sinks` and `window`,
  /// which do not overlap: a weight for each of the text's tokens, 0 for all others.
  package func weights(
    of query: ArraySlice<Float>, sinks: Range<Int>, window: Range<Int>
  ) -> [Float] {
    var weights = [Float](repeating: 0, count: tokens)
    forEachWeight(of: query, sinks: sinks, window: window) { weights[$0] = $1 }
    return weights
  }

  /// What each token receives from the `window - 1` tokens that follow it, which see the text's first
  /// `sinks` tokens and their own last `window`.
  ///
  /// - Parameters:
  ///   - queries: turned to their positions, [tokens][heads * d].
  ///   - heads: those that attend with these keys.
  package func received(
    from queries: [Float], heads: Range<Int>, of count: Int, window: Int, sinks: Int
  ) -> [Float] {
    var received = [Float](repeating: 0, count: tokens)
    for head in heads {
      for token in 0..<tokens {
        let start = (token * count + head) * d
        let first = max(0, token + 1 - window)
        let visibleSinks = 0..<min(sinks, first)
        forEachWeight(
          of: queries[start..<start + d], sinks: visibleSinks, window: first..<token + 1
        ) { seen, weight in
          // What a token pays itself, and what goes to the text's start because it is there, tells
          // nothing.
          if seen != token && !visibleSinks.contains(seen) { received[seen] += weight }
        }
      }
    }
    return received
  }

  private func forEachWeight(
    of query: ArraySlice<Float>, sinks: Range<Int>, window: Range<Int>,
    _ body: (_ token: Int, _ weight: Float) -> Void
  ) {
    let count = sinks.count + window.count
    guard count > 0 else { return }
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { scores in
      var greatest = -Float.infinity
      unsafe keys.withUnsafeBufferPointer { keys in
        unsafe query.withUnsafeBufferPointer { query in
          for place in 0..<count {
            let token =
              place < sinks.count
              ? sinks.lowerBound + place : window.lowerBound + place - sinks.count
            let score =
              unsafe Self.dot(query.baseAddress!, keys.baseAddress! + token * d, d) * scale
            unsafe scores[place] = score
            greatest = max(greatest, score)
          }
        }
      }
      var sum: Float = 0
      for place in 0..<count {
        let weight = unsafe expf(scores[place] - greatest)
        unsafe scores[place] = weight
        sum += weight
      }
      for place in 0..<count {
        let token =
          place < sinks.count
          ? sinks.lowerBound + place : window.lowerBound + place - sinks.count
        unsafe body(token, scores[place] / sum)
      }
    }
  }

  private static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
  ) -> Float {
    var sums = SIMD8<Float>.zero
    var index = 0
    while index + 8 <= count {
      let x = unsafe UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<Float>.self)
      let y = unsafe UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<Float>.self)
      sums += x * y
      index += 8
    }
    var sum = sums.sum()
    while index < count {
      sum += unsafe a[index] * b[index]
      index += 1
    }
    return sum
  }
}
