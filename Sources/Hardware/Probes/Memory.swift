/// The system's memory in bytes; nil where unknown.
package struct Memory: Codable, Equatable, Sendable {
  package var total: Int?
  /// What may be taken without pushing anything out to swap.
  package var available: Int?
  package var swapTotal: Int?
  package var swapFree: Int?

  init(_ files: SystemFiles) {
    let text = files.text("proc/meminfo") ?? ""
    func bytes(_ name: String) -> Int? {
      SystemFiles.field(name, of: text).flatMap(Self.byteCount)
    }
    total = bytes("MemTotal").flatMap { $0 > 0 ? $0 : nil }
    available = bytes("MemAvailable")
    swapTotal = bytes("SwapTotal")
    swapFree = bytes("SwapFree")
    if let total, let available, available > total { self.available = nil }
  }

  /// A value such as `16318124 kB`, up to an exbibyte.
  static func byteCount(_ text: String) -> Int? {
    let words = text.split(separator: " ")
    guard words.count == 2, words[1] == "kB", let number = Int(words[0]),
      (0...(1 << 50)).contains(number)
    else { return nil }
    return number << 10
  }
}
