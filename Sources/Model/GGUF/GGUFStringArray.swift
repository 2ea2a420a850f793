/// An array of strings in a GGUF file, read as bytes where they lie.
///
/// A vocabulary has 150,000 of them and a merge table 280,000, so none is made into a `String`
/// unasked. Making the array walks the strings' lengths once; then each is found in constant time.
/// The array keeps the file mapped.
public struct GGUFStringArray: Sendable {
  private let bytes: FileBytes

  /// Element `i` lies in `starts[i]..<starts[i + 1] - 8`: the next one's length stands between.
  private let starts: [Int]

  /// The array whose `count` strings lie in `range`, which the parser has checked.
  init(bytes: FileBytes, count: Int, range: Range<Int>) {
    self.bytes = bytes
    var starts: [Int] = []
    starts.reserveCapacity(count + 1)
    var offset = range.lowerBound
    for _ in 0..<count {
      starts.append(offset + 8)
      offset += 8 + Int(bytes.load(UInt64.self, at: offset))
    }
    precondition(offset == range.upperBound, "a string array changed while it was mapped")
    starts.append(offset + 8)
    self.starts = starts
  }

  public var count: Int { starts.count - 1 }

  /// A copy of the bytes of string `i`.
  public subscript(i: Int) -> [UInt8] {
    withBytes(of: i) { [UInt8](copying: $0) }
  }

  /// Calls `body` with the bytes of string `i` where they lie; they are valid during the call.
  public func withBytes<R, E>(
    of i: Int, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try bytes.withBytes(in: starts[i]..<starts[i + 1] - 8, body)
  }

  /// Calls `body` with each string's number and bytes, which are valid during the call. Faster than
  /// asking for one after another.
  public func forEachString<E>(_ body: (Int, Span<UInt8>) throws(E) -> Void) throws(E) {
    guard count > 0 else { return }
    let first = starts[0]
    try bytes.withBytes(in: first..<starts[count] - 8) { (all) throws(E) in
      for i in 0..<count {
        try body(i, all.extracting(starts[i] - first..<starts[i + 1] - 8 - first))
      }
    }
  }

  /// String `i` as text; bytes that are not UTF-8 become U+FFFD.
  public func text(_ i: Int) -> String {
    bytes.text(in: starts[i]..<starts[i + 1] - 8)
  }

  /// The bytes of all strings together.
  public var totalByteCount: Int { starts[count] - starts[0] - 8 * count }
}
