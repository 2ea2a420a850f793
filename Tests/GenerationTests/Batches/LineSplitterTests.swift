import Generation
import Testing

@Suite struct LineSplitterTests {
  /// The lines of `pieces`.
  private func lines(_ pieces: [[UInt8]], limit: Int = .max) -> [InputLine] {
    var splitter = LineSplitter(limit: limit)
    var lines: [InputLine] = []
    for piece in pieces { splitter.add(piece[...]) { lines.append($0) } }
    if let last = splitter.finish() { lines.append(last) }
    return lines
  }

  private func texts(_ text: String, limit: Int = .max) -> [String] {
    lines([Array(text.utf8)], limit: limit).map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  @Test func `lines end with a line feed, or with a carriage return and one`() {
    #expect(texts("one\ntwo\r\n\nthree") == ["one", "two", "", "three"])
    #expect(texts("one\n") == ["one"])
    #expect(texts("") == [])
    #expect(texts("\n") == [""])
  }

  @Test func `numbers count every line, and ends are places in the file`() {
    let found = lines([Array("a\n\nb\r\nc".utf8)])
    #expect(found.map(\.number) == [1, 2, 3, 4])
    #expect(found.map(\.end) == [2, 3, 6, 7])
    #expect(found.map(\.isEnded) == [true, true, true, false])
    #expect(found.map(\.isBlank) == [false, true, false, false])
  }

  @Test func `a byte order mark before the first line is no part of it, and counts in its end`() {
    let found = lines([[0xef], [0xbb, 0xbf] + Array("{\n\u{feff}b".utf8)])
    #expect(found.map { String(decoding: $0.bytes, as: UTF8.self) } == ["{", "\u{feff}b"])
    #expect(found.map(\.end) == [5, 9])
    #expect(texts("\u{feff}") == [""])
  }

  @Test func `a line that is too long is cut and says so, and the next one is whole`() {
    let found = lines([Array("abcdef\nabcde\nab".utf8)], limit: 5)
    #expect(found.map { String(decoding: $0.bytes, as: UTF8.self) } == ["abcde", "abcde", "ab"])
    #expect(found.map(\.isTooLong) == [true, false, false])
    #expect(found.map(\.end) == [7, 13, 15])
    #expect(lines([Array("abc".utf8), Array("def".utf8)], limit: 5).map(\.isTooLong) == [true])
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `where the bytes are cut into pieces makes no difference`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("ab\n\n\r ".utf8)
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
        alphabet.randomElement(using: &random)!
      }
      let limit = Int.random(in: 1..<12, using: &random)
      var (pieces, rest) = ([[UInt8]](), bytes[...])
      while !rest.isEmpty {
        pieces.append(Array(rest.prefix(Int.random(in: 1...5, using: &random))))
        rest = rest.dropFirst(pieces.last!.count)
      }
      #expect(lines(pieces, limit: limit) == lines([bytes], limit: limit), "seed \(seed)")
    }
  }
}
