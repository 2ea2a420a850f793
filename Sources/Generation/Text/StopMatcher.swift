/// Finds stop strings in a stream of bytes, and holds back what may become one.
///
/// The match that ends first wins; of those that end together, the longest. That does not depend
/// on how the stream is cut. The stop string itself is never passed on.
///
/// One automaton for each stop string (D. Knuth, J. Morris, V. Pratt, "Fast Pattern Matching in
/// Strings", SIAM J. Comput. 6, 1977), so the work for each byte is constant on average. Nothing
/// need be stored of what is held back: it is, by definition, the beginning of a stop string.
package struct StopMatcher: Sendable {
  private struct Pattern: Sendable {
    var bytes: [UInt8]
    /// `fallback[n]`: the length of the longest proper suffix of the first `n` bytes that is also
    /// their prefix.
    var fallback: [Int]
    /// How many of its first bytes the stream now ends with.
    var matched = 0

    mutating func advance(over byte: UInt8) {
      // The matcher stops at a whole match, so there is always a next byte to compare.
      while matched > 0 && bytes[matched] != byte { matched = fallback[matched] }
      if bytes[matched] == byte { matched += 1 }
    }
  }
  private var patterns: [Pattern]
  /// The pattern with the longest beginning matched: what is held back.
  private var longest = 0

  /// The index, among the stop strings, of the one that was found.
  package private(set) var match: Int?

  /// - Parameter stops: Texts of at least one byte.
  package init(_ stops: [String]) {
    patterns = stops.map { stop in
      let bytes = Array(stop.utf8)
      precondition(!bytes.isEmpty, "a stop string is empty")
      var fallback = [0, 0]
      for end in 1..<bytes.count {
        var length = fallback[end]
        while length > 0 && bytes[length] != bytes[end] { length = fallback[length] }
        fallback.append(bytes[length] == bytes[end] ? length + 1 : 0)
      }
      return Pattern(bytes: bytes, fallback: fallback)
    }
  }

  package var isEmpty: Bool { patterns.isEmpty }

  /// How many bytes are held back.
  package var heldCount: Int { patterns.isEmpty ? 0 : patterns[longest].matched }

  /// Appends to `output` what can no longer be part of a stop string; nothing after a match.
  package mutating func append(_ bytes: [UInt8], to output: inout [UInt8]) {
    for byte in bytes where match == nil { append(byte, to: &output) }
  }

  /// Appends to `output` what is held back: no more will come that could complete it.
  package mutating func flush(to output: inout [UInt8]) {
    guard match == nil, heldCount > 0 else { return }
    output.append(contentsOf: patterns[longest].bytes.prefix(heldCount))
    for index in patterns.indices { patterns[index].matched = 0 }
  }

  private mutating func append(_ byte: UInt8, to output: inout [UInt8]) {
    if patterns.isEmpty { return output.append(byte) }
    // The stream's end, seen from here: `held` bytes of `holder`, then this one.
    let holder = longest
    let held = heldCount
    var found: Int?
    var kept = 0
    longest = 0
    for index in patterns.indices {
      patterns[index].advance(over: byte)
      let matched = patterns[index].matched
      if matched > kept { (longest, kept) = (index, matched) }
      if matched == patterns[index].bytes.count,
        found.map({ patterns[$0].bytes.count < matched }) ?? true
      {
        found = index
      }
    }
    if let found {
      match = found
      kept = patterns[found].bytes.count
    }
    let released = held + 1 - kept
    for index in 0..<min(released, held) { output.append(patterns[holder].bytes[index]) }
    if released > held { output.append(byte) }
  }
}
