package import Model

/// Cuts the tokens of consecutive passages into statements, so that what a block's end cuts in two is
/// whole again.
///
/// A turn is what stands between special tokens; what opens it is the special tokens before it with
/// the word that each may have for a name (`<|im_start|>user` and a line's end). It is cut where a sentence
/// and a line end together; where it is longer than `limit`, where sentences end; and a sentence
/// that is longer, anywhere.
package struct StatementCutter: Sendable {
  package let marks: TokenMarks
  /// The most tokens of a statement, frame included.
  package let limit: Int

  /// Parts of a name at most.
  private static let longestName = 4

  package init(marks: TokenMarks, limit: Int) {
    precondition(limit > 0)
    self.marks = marks
    self.limit = limit
  }

  /// - Parameter isWhole: whether `tokens` begin where a session does. Else what comes before the
  ///   first end of a sentence or turn may be half of one, and is left out.
  package func statements(of tokens: [TokenID], isWhole: Bool = true) -> [Statement] {
    var statements: [Statement] = []
    var at = isWhole ? 0 : firstBeginning(in: tokens)
    while at < tokens.count {
      let (head, text) = frame(at: at, in: tokens)
      var end = text
      while end < tokens.count, !marks[tokens[end]].contains(.special) { end += 1 }
      // What opens the next turn ends this one; only where it ends a turn does it belong to it.
      let tail = end < tokens.count && end > text ? end..<end + 1 : end..<end
      cut(tokens, head: head, text: text..<end, tail: tail, into: &statements)
      at = max(tail.upperBound, at + 1)
    }
    return statements
  }

  private func firstBeginning(in tokens: [TokenID]) -> Int {
    for index in tokens.indices {
      if marks[tokens[index]].contains(.special) { return index }
      if endsSentence(index, in: tokens) { return index + 1 }
    }
    return tokens.count
  }

  /// What opens the turn at `at`, and where its text begins.
  private func frame(at start: Int, in tokens: [TokenID]) -> (head: Range<Int>, text: Int) {
    var at = start
    while at < tokens.count, marks[tokens[at]].contains(.space) { at += 1 }
    let head = at
    while at < tokens.count, marks[tokens[at]].contains(.special) {
      at += 1
      at += name(at: at, in: tokens)
      while at < tokens.count, marks[tokens[at]].contains(.space) { at += 1 }
    }
    return (head..<at, at)
  }

  /// Tokens of the name that a special token may be followed by, as in `<|im_start|>assistant`: a word in
  /// a few parts, with another special token or a line's end behind it.
  private func name(at start: Int, in tokens: [TokenID]) -> Int {
    var end = start
    while end < tokens.count, end - start < Self.longestName,
      marks[tokens[end]].isDisjoint(with: [.special, .beginsWithSpace, .endsSentence])
    {
      end += 1
    }
    guard end < tokens.count, !marks[tokens[end]].isDisjoint(with: [.special, .endsLine]) else {
      return 0
    }
    return end - start
  }

  private func endsSentence(_ index: Int, in tokens: [TokenID]) -> Bool {
    let mark = marks[tokens[index]]
    if mark.contains(.endsLine) { return true }
    guard mark.contains(.endsSentence) else { return false }
    guard index + 1 < tokens.count else { return true }
    return mark.contains(.beginsWithSpace)
      || !marks[tokens[index + 1]].isDisjoint(with: [.beginsWithSpace, .special])
  }

  private func endsParagraph(_ index: Int, in tokens: [TokenID]) -> Bool {
    guard marks[tokens[index]].contains(.endsSentence) else { return false }
    return marks[tokens[index]].contains(.endsLine)
      || index + 1 < tokens.count
        && marks[tokens[index + 1]].isSuperset(of: [.endsLine, .space])
  }

  private func cut(
    _ tokens: [TokenID], head: Range<Int>, text: Range<Int>, tail: Range<Int>,
    into statements: inout [Statement]
  ) {
    // A frame that leaves no room for half a statement is none.
    let isFramed = head.count + tail.count <= limit / 2
    let frame = isFramed ? head.count + tail.count : 0
    let room = limit - frame
    var start = text.lowerBound
    while start < text.upperBound {
      var end = start
      var cutAt = start
      while end < text.upperBound, end - start < room {
        end += 1
        if endsSentence(end - 1, in: tokens) { cutAt = end }
        if endsParagraph(end - 1, in: tokens) { break }
      }
      if end == text.upperBound { cutAt = end } else if cutAt == start { cutAt = end }
      append(
        tokens, head: isFramed ? head : text.lowerBound..<text.lowerBound, text: start..<cutAt,
        tail: isFramed ? tail : tail.upperBound..<tail.upperBound, to: &statements)
      start = cutAt
    }
  }

  private func append(
    _ tokens: [TokenID], head: Range<Int>, text: Range<Int>, tail: Range<Int>,
    to statements: inout [Statement]
  ) {
    var text = text
    while let first = text.first, marks[tokens[first]].contains(.space) { text.removeFirst() }
    while let last = text.last, marks[tokens[last]].contains(.space) { text.removeLast() }
    guard let last = text.last else { return }
    statements.append(
      Statement(
        tokens: Array(tokens[head]) + tokens[text] + tokens[tail],
        text: head.count..<head.count + text.count, range: text,
        isQuestion: marks[tokens[last]].contains(.endsQuestion)))
  }
}
