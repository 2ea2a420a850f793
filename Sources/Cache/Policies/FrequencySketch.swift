/// Estimates how often keys were asked for lately, in four bits a counter: a count-min sketch that
/// forgets.
///
/// Sixteen counters of 0 to 15 share a word, and there is a word for each entry that it is made for.
/// A key has four counters, in words chosen by different bits of its digest and at places of their
/// own; its estimate is the least of them, never below its true count since the last halving, and
/// too high only where all four are shared. After ten requests for each entry all counters are
/// halved, so that what was popular once makes room: an eighth of a word per request on average, in
/// one pass now and then.
///
/// Sources: G. Cormode, S. Muthukrishnan, "An improved data stream summary: the count-min sketch and
/// its applications", J. Algorithms 55, 2005; G. Einziger, R. Friedman, B. Manes, "TinyLFU: a highly
/// efficient cache admission policy", ACM TOS 13(4), 2017.
package struct FrequencySketch: Sendable {
  private static let highest: UInt64 = 15
  private static let requestsPerEntry = 10

  /// Entries that the sketch is made for.
  package private(set) var capacity = 16
  private var words = [UInt64](repeating: 0, count: 16)
  private var additions = 0

  package init() {}

  /// Bytes held.
  package var byteCount: Int { words.count * MemoryLayout<UInt64>.stride }

  /// Makes room for more entries. A key's counters keep their worth: with twice the words, each lies
  /// where it lay or as much further on, so a copy of the old words serves as the second half.
  package mutating func grow(to entries: Int) {
    guard entries > capacity else { return }
    capacity = entries
    while words.count < entries { words += words }
  }

  package func estimate(_ digest: UInt64) -> Int {
    var least = Self.highest
    for row in 0..<4 {
      let (word, shift) = place(digest, row)
      least = min(least, words[word] >> shift & Self.highest)
    }
    return Int(least)
  }

  package mutating func increment(_ digest: UInt64) {
    var isAdded = false
    for row in 0..<4 {
      let (word, shift) = place(digest, row)
      guard words[word] >> shift & Self.highest < Self.highest else { continue }
      words[word] += 1 << shift
      isAdded = true
    }
    guard isAdded else { return }
    additions += 1
    if additions >= capacity * Self.requestsPerEntry { halve() }
  }

  /// Makes a key's estimate 0. Keys that share all of their counters with it are estimated too low
  /// afterwards, which costs them at most one admission.
  mutating func forget(_ digest: UInt64) {
    let estimate = UInt64(estimate(digest))
    for row in 0..<4 {
      let (word, shift) = place(digest, row)
      words[word] -= estimate << shift
    }
  }

  private mutating func halve() {
    var odd = 0
    for i in words.indices {
      odd += (words[i] & 0x1111_1111_1111_1111).nonzeroBitCount
      words[i] = words[i] >> 1 & 0x7777_7777_7777_7777
    }
    // Four counters rose with each addition, and an odd one has lost a half more.
    additions = (additions - odd / 4) / 2
  }

  /// The word of a key's counter in `row`, and the counter's first bit. Rows have four places each,
  /// so a key's counters differ even where they share a word.
  private func place(_ digest: UInt64, _ row: Int) -> (word: Int, shift: UInt64) {
    let mixed = (digest &+ UInt64(row)).digest
    return (
      Int(truncatingIfNeeded: mixed) & (words.count - 1), UInt64(row) * 16 + (mixed >> 62) * 4
    )
  }
}
