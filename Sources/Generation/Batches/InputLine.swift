/// A line of a file that is read piece by piece.
package struct InputLine: Sendable, Equatable {
  /// From 1, blank lines counted.
  package var number: Int
  /// Without the end of the line and, in the first line, without a byte order mark, which editors put
  /// before UTF-8; of one that is too long the first ``LineSplitter/limit``.
  package var bytes: [UInt8]
  /// Whether the file has more of it than ``bytes``.
  package var isTooLong = false
  /// Whether an end of line stands behind it: the last line may have none.
  package var isEnded = true
  /// Bytes of the file up to its end, the end of the line included.
  package var end: Int

  package init(
    number: Int, bytes: [UInt8], isTooLong: Bool = false, isEnded: Bool = true, end: Int
  ) {
    self.number = number
    self.bytes = bytes
    self.isTooLong = isTooLong
    self.isEnded = isEnded
    self.end = end
  }

  /// Whether there is nothing but spaces and tabs on it.
  package var isBlank: Bool {
    bytes.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
  }
}

/// Cuts bytes that come in pieces into lines, and holds no more of them than one line.
///
/// A line ends with a line feed, or a carriage return and a line feed.
package struct LineSplitter: Sendable {
  /// The longest line that is kept whole, in bytes.
  package let limit: Int

  private var bytes: [UInt8] = []
  private var isTooLong = false
  private var number = 0
  private var position = 0

  package init(limit: Int) { self.limit = limit }

  /// Calls `body` with each line that ends in `piece`.
  package mutating func add<E: Error>(
    _ piece: ArraySlice<UInt8>, _ body: (InputLine) throws(E) -> Void
  ) throws(E) {
    var rest = piece
    while let feed = rest.firstIndex(of: UInt8(ascii: "\n")) {
      take(rest[..<feed])
      position += 1
      try body(line(isEnded: true))
      rest = rest[(feed + 1)...]
    }
    take(rest)
  }

  /// The last line, where nothing ends it; nil when there is none.
  package mutating func finish() -> InputLine? {
    bytes.isEmpty && !isTooLong ? nil : line(isEnded: false)
  }

  private mutating func take(_ part: ArraySlice<UInt8>) {
    position += part.count
    let room = limit - bytes.count
    bytes += part.prefix(room)
    isTooLong = isTooLong || part.count > room
  }

  private mutating func line(isEnded: Bool) -> InputLine {
    number += 1
    if isEnded, !isTooLong, bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    if number == 1, bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes.removeFirst(3) }
    defer { (bytes, isTooLong) = ([], false) }
    return InputLine(
      number: number, bytes: bytes, isTooLong: isTooLong, isEnded: isEnded, end: position)
  }
}
