/// Which two neighbouring symbols may become one, and how soon.
protocol MergeRules {
  /// The token that the symbols `left` and `right` make together, and its rank: the lower, the
  /// sooner. Together they spell `range` of `text`. A symbol that is no token is -1.
  func merge(
    _ left: TokenID, _ right: TokenID, spelled range: Range<Int>, of text: Span<UInt8>
  ) -> PairTable.Value?
}

/// Joins symbols to tokens, always the pair of lowest rank first, the leftmost among equals: byte
/// pair encoding (Sennrich, Haddow, Birch: Neural machine translation of rare words with subword
/// units, 2016).
///
/// All candidates wait in a heap; one whose symbols have been joined otherwise is known by its
/// length and passed over. So `n` symbols take O(n log n) steps, whatever the text. The arrays are
/// kept from piece to piece: a merger allocates only for a piece longer than all before.
struct SymbolMerger {
  /// Steps taken since the merger was made: symbols, candidates and levels of the heap. Tests
  /// compare how they grow.
  private(set) var stepCount = 0

  /// Symbols stand at the offset of their first byte, so that the one after `i` is at
  /// `i + byteCounts[i]`. A byte count of 0 means that it was joined to the one before.
  private var tokens: [TokenID] = []
  private var byteCounts: [UInt32] = []
  private var previous: [Int32] = []
  private var byteCount = 0

  private var heap: [Candidate] = []

  private struct Candidate {
    /// The rank above, the left symbol's offset below: one comparison gives the order.
    var order: UInt64
    /// The bytes of both symbols when this was found.
    var byteCount: UInt32
    var token: TokenID

    var left: Int { Int(UInt32(truncatingIfNeeded: order)) }
  }

  /// Begins a piece of text.
  mutating func begin(_ text: Span<UInt8>) {
    let byteCount = text.count
    precondition(byteCount < Int(Int32.max), "a piece of \(byteCount) bytes is too long")
    self.byteCount = byteCount
    if tokens.count < byteCount {
      let more = byteCount - tokens.count
      tokens.append(contentsOf: repeatElement(-1, count: more))
      byteCounts.append(contentsOf: repeatElement(0, count: more))
      previous.append(contentsOf: repeatElement(-1, count: more))
    }
    heap.removeAll(keepingCapacity: true)
  }

  /// Places the symbol at `offset`; symbols are placed from left to right, without gaps.
  mutating func place(_ token: TokenID, at offset: Int, byteCount: Int, after left: Int) {
    tokens[offset] = token
    byteCounts[offset] = UInt32(byteCount)
    previous[offset] = Int32(left)
    stepCount += 1
  }

  /// Joins what `rules` let join in the text that was begun. Afterwards `forEachSymbol` tells what is
  /// left.
  mutating func merge(_ text: Span<UInt8>, _ rules: some MergeRules) {
    guard byteCount > 0 else { return }
    var left = 0
    while let right = symbol(after: left) {
      consider(left, right, text, rules)
      left = right
    }
    while let candidate = popFirst() {
      let left = candidate.left
      guard byteCounts[left] != 0, let right = symbol(after: left),
        byteCounts[left] + byteCounts[right] == candidate.byteCount
      else { continue }
      tokens[left] = candidate.token
      byteCounts[left] = candidate.byteCount
      byteCounts[right] = 0
      if previous[left] >= 0 { consider(Int(previous[left]), left, text, rules) }
      if let next = symbol(after: left) {
        previous[next] = Int32(left)
        consider(left, next, text, rules)
      }
    }
  }

  /// Calls `body` with each symbol, from left to right: its token or -1, and its bytes' range.
  func forEachSymbol(_ body: (TokenID, Range<Int>) -> Void) {
    var i = 0
    while i < byteCount {
      let next = i + Int(byteCounts[i])
      body(tokens[i], i..<next)
      i = next
    }
  }

  private func symbol(after i: Int) -> Int? {
    let next = i + Int(byteCounts[i])
    return next < byteCount ? next : nil
  }

  private mutating func consider(
    _ left: Int, _ right: Int, _ text: Span<UInt8>, _ rules: some MergeRules
  ) {
    stepCount += 1
    let both = byteCounts[left] + byteCounts[right]
    let range = left..<left + Int(both)
    guard let merge = rules.merge(tokens[left], tokens[right], spelled: range, of: text)
    else { return }
    push(
      Candidate(
        order: UInt64(merge.rank) << 32 | UInt64(left), byteCount: both, token: merge.id))
  }

  // MARK: Heap

  private mutating func push(_ candidate: Candidate) {
    heap.append(candidate)
    var i = heap.count - 1
    while i > 0 {
      let parent = (i - 1) / 2
      guard candidate.order < heap[parent].order else { break }
      heap[i] = heap[parent]
      i = parent
      stepCount += 1
    }
    heap[i] = candidate
  }

  private mutating func popFirst() -> Candidate? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    let count = heap.count
    guard count > 0 else { return first }
    var i = 0
    while true {
      var child = 2 * i + 1
      guard child < count else { break }
      if child + 1 < count, heap[child + 1].order < heap[child].order { child += 1 }
      guard heap[child].order < last.order else { break }
      heap[i] = heap[child]
      i = child
      stepCount += 1
    }
    heap[i] = last
    return first
  }
}
