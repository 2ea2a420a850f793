import Model

/// Selections over candidates, made in place by a binary heap in their own storage.
///
/// Three spans of one length move together: the keys that order (larger first, lower id first among
/// equals), the ids, and a companion value that is carried along.
struct CandidateHeap: ~Copyable, ~Escapable {
  private var keys: MutableSpan<Float>
  private var ids: MutableSpan<TokenID>
  private var companions: MutableSpan<Float>

  @_lifetime(copy keys, copy ids, copy companions)
  private init(
    _ keys: consuming MutableSpan<Float>, _ ids: consuming MutableSpan<TokenID>,
    _ companions: consuming MutableSpan<Float>
  ) {
    self.keys = keys
    self.ids = ids
    self.companions = companions
  }

  /// Moves the `k` first of `count` elements to the front, in order; what they displace is lost.
  ///
  /// The front is a heap with its last in order at the root, which each of the rest challenges:
  /// O(count + k log k log(count / k)) for values in random order, O(count log k) at worst.
  static func keepTop(
    _ k: Int, of count: Int,
    keys: inout [Float], ids: inout [TokenID], companions: inout [Float]
  ) {
    var heap = CandidateHeap(keys.mutableSpan, ids.mutableSpan, companions.mutableSpan)
    for parent in stride(from: k / 2 - 1, through: 0, by: -1) {
      heap.siftDown(parent, below: k, firstAtRoot: false)
    }
    var start = k
    while let index = firstIndex(
      in: heap.keys.span.extracting(first: count), from: start, atLeast: heap.keys[0])
    {
      if heap.isBefore(index, 0) {
        heap.move(index, to: 0)
        heap.siftDown(0, below: k, firstAtRoot: false)
      }
      start = index + 1
    }
    for end in stride(from: k - 1, to: 0, by: -1) {
      heap.swapAt(0, end)
      heap.siftDown(0, below: end, firstAtRoot: false)
    }
  }

  /// Moves the first of `count` elements to the front, in order, until the sum of what `mass` says
  /// of their companions reaches `limit` and there are `minKeep` of them; the rest is lost.
  ///
  /// O(count + kept log count).
  ///
  /// - Returns: How many were kept.
  @inline(__always)
  static func keepFirst(
    of count: Int, keys: inout [Float], ids: inout [TokenID], companions: inout [Float],
    minKeep: Int, limit: Float, mass: (_ companion: Float) -> Double
  ) -> Int {
    var heap = CandidateHeap(keys.mutableSpan, ids.mutableSpan, companions.mutableSpan)
    for parent in stride(from: count / 2 - 1, through: 0, by: -1) {
      heap.siftDown(parent, below: count, firstAtRoot: true)
    }
    var total = 0.0
    var kept = 0
    while kept < count, total < Double(limit) || kept < minKeep {
      total += mass(heap.companions[0])
      kept += 1
      // As in heap sort, the first goes behind the heap, which shrinks by one.
      heap.swapAt(0, count - kept)
      heap.siftDown(0, below: count - kept, firstAtRoot: true)
    }
    // Those kept are at the end, last first.
    var (low, high) = (count - kept, count - 1)
    while low < high {
      heap.swapAt(low, high)
      low += 1
      high -= 1
    }
    for index in 0..<kept { heap.move(count - kept + index, to: index) }
    return kept
  }

  @inline(__always)
  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    precedes(keys[a], ids[a], keys[b], ids[b])
  }

  @_lifetime(self: copy self)
  @inline(__always)
  private mutating func move(_ source: Int, to target: Int) {
    keys[target] = keys[source]
    ids[target] = ids[source]
    companions[target] = companions[source]
  }

  @_lifetime(self: copy self)
  @inline(__always)
  private mutating func swapAt(_ a: Int, _ b: Int) {
    keys.swapAt(a, b)
    ids.swapAt(a, b)
    companions.swapAt(a, b)
  }

  /// Restores the heap of `count` elements below `start`, with the first or the last in order at
  /// its root.
  @_lifetime(self: copy self)
  @inline(__always)
  private mutating func siftDown(_ start: Int, below count: Int, firstAtRoot: Bool) {
    let (key, id, companion) = (keys[start], ids[start], companions[start])
    var hole = start
    while true {
      var child = 2 * hole + 1
      if child >= count { break }
      if child + 1 < count, isBefore(child + 1, child) == firstAtRoot { child += 1 }
      if precedes(keys[child], ids[child], key, id) != firstAtRoot { break }
      move(child, to: hole)
      hole = child
    }
    (keys[hole], ids[hole], companions[hole]) = (key, id, companion)
  }
}
