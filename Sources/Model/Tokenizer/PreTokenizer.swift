/// Cuts text into the pieces within which byte-level BPE may join bytes.
///
/// Models publish this as regular expressions, applied one after another, each to the pieces that
/// the ones before have left: what matches becomes a piece, and so does what lies between two
/// matches. Here each expression is a list of alternatives with hand-written matchers, tried in
/// order as a backtracking engine would.
package struct PreTokenizer: Sendable {
  /// One regular expression.
  enum Expression: Sendable {
    /// Alternatives, the first that matches wins: `a|b|c`.
    case anyOf([Alternative])
    /// `\s+$`
    case trailingWhitespace
  }

  enum Alternative: Sendable {
    /// `'s|'t|'re|'ve|'m|'ll|'d`
    case contraction(ignoringCase: Bool)
    /// Some scalars of a set, perhaps with one of another set before, perhaps with any number of
    /// a third one behind: `[ab]?c{1,3}d*`.
    case run(
      ScalarSet, count: ClosedRange<Int> = 1...Int.max, after: Prefix = .none,
      then: ScalarSet? = nil)
    /// `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`, or failing
    /// that the same with `+` and `*` exchanged; then perhaps a contraction of any case.
    case casedWord(contraction: Bool)
    /// `\s*[\r\n]+`: white space up to its last line break.
    case lineBreaks
    /// `\s+(?!\S)`: white space, but for its last scalar where a word follows.
    case whitespaceBeforeWord
    /// `\s+`
    case whitespace
  }

  /// What may stand before a run.
  enum Prefix: Sendable {
    case none
    case optional(ScalarSet)
    case required(ScalarSet)
  }

  let expressions: [Expression]

  /// Memory for one text after another.
  struct Scratch {
    fileprivate var scalars: [ClassifiedScalar] = []
    fileprivate var ends: [Int] = []
    fileprivate var nextEnds: [Int] = []
  }

  /// Calls `body` with the range of bytes of each piece, from left to right and without gaps.
  func forEachPiece(
    of text: Span<UInt8>, _ scratch: inout Scratch, _ body: (Range<Int>) -> Void
  ) {
    ClassifiedScalar.classify(text, into: &scratch.scalars)
    let scalars = scratch.scalars
    scratch.ends.removeAll(keepingCapacity: true)
    scratch.ends.append(scalars.count)
    for expression in expressions {
      scratch.nextEnds.removeAll(keepingCapacity: true)
      var start = 0
      for end in scratch.ends {
        Self.split(scalars, start..<end, by: expression, into: &scratch.nextEnds)
        start = end
      }
      swap(&scratch.ends, &scratch.nextEnds)
    }

    var scalar = 0
    var byte = 0
    for end in scratch.ends {
      let start = byte
      while scalar < end {
        byte += scalars[scalar].byteCount
        scalar += 1
      }
      if start < byte { body(start..<byte) }
    }
  }

  /// The ranges of bytes of the pieces that the pre-tokenizer called `name` cuts `text` into.
  package static func pieces(
    of text: [UInt8], by name: String
  ) throws(TokenizerError) -> [Range<Int>] {
    let preTokenizer = PreTokenizer(expressions: try NamedPreTokenizer.named(name).expressions)
    var scratch = Scratch()
    var pieces: [Range<Int>] = []
    preTokenizer.forEachPiece(of: text.span, &scratch) { pieces.append($0) }
    return pieces
  }

  /// Appends where the pieces of `range` end.
  private static func split(
    _ scalars: [ClassifiedScalar], _ range: Range<Int>, by expression: Expression,
    into ends: inout [Int]
  ) {
    var start = range.lowerBound
    switch expression {
    case .trailingWhitespace:
      var i = range.upperBound
      while i > start, ScalarSet.whitespace.contains(scalars[i - 1]) { i -= 1 }
      if i > start, i < range.upperBound { ends.append(i) }
      start = i
    case .anyOf(let alternatives):
      let text = PieceScanner(scalars: scalars, end: range.upperBound)
      var i = start
      while i < range.upperBound {
        guard let end = text.match(alternatives, at: i) else {
          i += 1
          continue
        }
        if start < i { ends.append(i) }
        ends.append(end)
        start = end
        i = end
      }
    }
    if range.upperBound > (ends.last ?? 0) { ends.append(range.upperBound) }
  }
}

/// Matches alternatives against a piece of text; nothing behind `end` is seen.
private struct PieceScanner {
  let scalars: [ClassifiedScalar]
  let end: Int

  /// Where the first alternative that matches at `i` ends. No match is empty.
  func match(_ alternatives: [PreTokenizer.Alternative], at i: Int) -> Int? {
    for alternative in alternatives {
      if let end = match(alternative, at: i) { return end }
    }
    return nil
  }

  private func match(_ alternative: PreTokenizer.Alternative, at i: Int) -> Int? {
    switch alternative {
    case .contraction(let ignoringCase): contraction(at: i, ignoringCase: ignoringCase)
    case .run(let set, let count, let prefix, let suffix):
      run(of: set, count, after: prefix, then: suffix, at: i)
    case .casedWord(let contraction): casedWord(at: i, contraction: contraction)
    case .lineBreaks: lineBreaks(at: i)
    case .whitespaceBeforeWord: whitespaceBeforeWord(at: i)
    case .whitespace: nonempty(i, span(.whitespace, from: i))
    }
  }

  private func nonempty(_ start: Int, _ end: Int) -> Int? { end > start ? end : nil }

  private func holds(_ set: ScalarSet, at i: Int) -> Bool { i < end && set.contains(scalars[i]) }

  /// Where the scalars of `set` that begin at `start` end.
  private func span(_ set: ScalarSet, from start: Int, atMost limit: Int = .max) -> Int {
    let end = limit < end - start ? start + limit : end
    var i = start
    while i < end, set.contains(scalars[i]) { i += 1 }
    return i
  }

  private func contraction(at i: Int, ignoringCase: Bool) -> Int? {
    guard i + 1 < end, scalars[i].value == UInt32(UInt8(ascii: "'")) else { return nil }
    func letter(at k: Int) -> UInt8? {
      guard k < end, var value = UInt8(exactly: scalars[k].value) else { return nil }
      if ignoringCase, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(value) { value |= 0x20 }
      return value
    }
    switch (letter(at: i + 1), letter(at: i + 2)) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
      (UInt8(ascii: "d"), _):
      return i + 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return i + 3
    default: return nil
    }
  }

  private func run(
    of set: ScalarSet, _ count: ClosedRange<Int>, after prefix: PreTokenizer.Prefix,
    then suffix: ScalarSet?, at i: Int
  ) -> Int? {
    var start = i
    switch prefix {
    case .none: break
    case .required(let prefix):
      guard holds(prefix, at: i) else { return nil }
      start += 1
    case .optional(let prefix):
      // Taken where the run can follow it: sets may overlap, and then the scalar is the run's own.
      if holds(prefix, at: i), holds(set, at: i + 1) { start += 1 }
    }
    let stop = span(set, from: start, atMost: count.upperBound)
    guard stop - start >= count.lowerBound else { return nil }
    return suffix.map { span($0, from: stop) } ?? stop
  }

  private func casedWord(at i: Int, contraction: Bool) -> Int? {
    let prefix = (ScalarSet.letters + .numbers + .newlines).inverted
    let hasPrefix = holds(prefix, at: i)
    // A mark may be the prefix or belong to the word: what a backtracking engine would try next.
    let stop =
      (hasPrefix ? capitalized(from: i + 1) : nil) ?? capitalized(from: i)
      ?? (hasPrefix ? uppercased(from: i + 1) : nil) ?? uppercased(from: i)
    guard let stop else { return nil }
    return contraction ? self.contraction(at: stop, ignoringCase: true) ?? stop : stop
  }

  /// `[upper]*[lower]+`, where both sets have letters without case and marks.
  private func capitalized(from start: Int) -> Int? {
    let upperEnd = span(.upper, from: start)
    let lowerEnd = span(.lower, from: upperEnd)
    if lowerEnd > upperEnd { return lowerEnd }
    // `[upper]*` gives back until the last one that it took is in both sets.
    var i = upperEnd
    while i > start {
      if ScalarSet.lower.contains(scalars[i - 1]) { return i }
      i -= 1
    }
    return nil
  }

  /// `[upper]+[lower]*`
  private func uppercased(from start: Int) -> Int? {
    let upperEnd = span(.upper, from: start)
    return upperEnd > start ? span(.lower, from: upperEnd) : nil
  }

  private func lineBreaks(at i: Int) -> Int? {
    var stop = span(.whitespace, from: i)
    while stop > i, !ScalarSet.newlines.contains(scalars[stop - 1]) { stop -= 1 }
    return nonempty(i, stop)
  }

  /// `\s+(?!\S)`
  private func whitespaceBeforeWord(at i: Int) -> Int? {
    let stop = span(.whitespace, from: i)
    return nonempty(i, stop == end ? stop : stop - 1)
  }
}
