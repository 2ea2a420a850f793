/// The keys and values at the head of a GGUF file.
///
/// Getters answer nil where a key is missing or its value is of another kind. Values are read
/// where they lie: the metadata keep the file mapped.
public struct GGUFMetadata: Sendable {
  /// All keys, in the file's order.
  public let keys: [String]

  private let bytes: FileBytes
  private let values: [String: GGUFValue]

  init(bytes: FileBytes, keys: [String], values: [String: GGUFValue]) {
    self.bytes = bytes
    self.keys = keys
    self.values = values
  }

  public func contains(_ key: String) -> Bool { values[key] != nil }

  /// A string; bytes that are not UTF-8 become U+FFFD.
  public func string(_ key: String) -> String? {
    guard case .string(let range)? = values[key] else { return nil }
    return bytes.text(in: range)
  }

  /// An integer of any width; nil also for the unsigned ones that exceed `Int.max`.
  public func integer(_ key: String) -> Int? {
    guard case .scalar(let type, let offset)? = values[key] else { return nil }
    return bytes.integer(type, at: offset)
  }

  /// A number of any type, integers included.
  public func float(_ key: String) -> Double? {
    guard case .scalar(let type, let offset)? = values[key] else { return nil }
    return bytes.number(type, at: offset)
  }

  public func bool(_ key: String) -> Bool? {
    guard case .scalar(.bool, let offset)? = values[key] else { return nil }
    return bytes.load(UInt8.self, at: offset) != 0
  }

  /// How many elements an array has, whatever their type.
  public func count(ofArray key: String) -> Int? {
    guard case .array(_, let count, _)? = values[key] else { return nil }
    return count
  }

  /// An array of integers of any width; nil also where one exceeds `Int.max`.
  public func integers(_ key: String) -> [Int]? {
    guard case .array(let type, let count, let range)? = values[key] else { return nil }
    return elements(type, count, range) { bytes.integer(type, at: $0) }
  }

  /// An array of numbers of any type, rounded to `Float`.
  public func floats(_ key: String) -> [Float]? {
    guard case .array(let type, let count, let range)? = values[key] else { return nil }
    return elements(type, count, range) { bytes.number(type, at: $0).map { Float($0) } }
  }

  public func bools(_ key: String) -> [Bool]? {
    guard case .array(.bool, let count, let range)? = values[key] else { return nil }
    return elements(.bool, count, range) { bytes.load(UInt8.self, at: $0) != 0 }
  }

  /// An array of strings. This walks the array once, so keep the answer rather than ask again.
  public func strings(_ key: String) -> GGUFStringArray? {
    guard case .array(.string, let count, let range)? = values[key] else { return nil }
    return GGUFStringArray(bytes: bytes, count: count, range: range)
  }

  /// The value in one line for people, such as `4096`, `"llama"` or `["a", "b", … 4096 strings]`;
  /// nil where the key is missing.
  ///
  /// Strings longer than `limit` characters and arrays of more than six elements are cut.
  public func description(of key: String, limit: Int = 80) -> String? {
    switch values[key] {
    case nil: return nil
    case .scalar(let type, let offset): return description(type, at: offset)
    case .string(let range): return quoted(bytes.text(in: range), limit: limit)
    case .array(let type, let count, let range):
      let shown = min(count, 6)
      let items: [String]
      if let width = type.byteCount {
        items = (0..<shown).map { description(type, at: range.lowerBound + $0 * width) }
      } else {
        let strings = GGUFStringArray(bytes: bytes, count: count, range: range)
        items = (0..<shown).map { quoted(strings.text($0), limit: limit) }
      }
      let rest = count > shown ? ["… \(count) \(type)s"] : []
      return "[" + (items + rest).joined(separator: ", ") + "]"
    }
  }

  /// The elements at multiples of the type's width, or nil as soon as `read` answers nil.
  private func elements<T>(
    _ type: GGUFValueType, _ count: Int, _ range: Range<Int>, _ read: (Int) -> T?
  ) -> [T]? {
    guard let width = type.byteCount else { return nil }
    var result: [T] = []
    result.reserveCapacity(count)
    for offset in stride(from: range.lowerBound, to: range.upperBound, by: width) {
      guard let element = read(offset) else { return nil }
      result.append(element)
    }
    return result
  }

  private func description(_ type: GGUFValueType, at offset: Int) -> String {
    switch type {
    case .bool: "\(bytes.load(UInt8.self, at: offset) != 0)"
    case .float32: "\(Float(bitPattern: bytes.load(UInt32.self, at: offset)))"
    case .float64: "\(Double(bitPattern: bytes.load(UInt64.self, at: offset)))"
    case .uint64: "\(bytes.load(UInt64.self, at: offset))"
    default: bytes.integer(type, at: offset).map { "\($0)" } ?? "?"
    }
  }

  private func quoted(_ text: String, limit: Int) -> String {
    let cut = text.unicodeScalars.prefix(limit)
    let rest = cut.endIndex == text.unicodeScalars.endIndex ? "" : "… \(text.utf8.count) bytes"
    // `debugDescription` escapes line breaks and terminal control codes.
    return String(String.UnicodeScalarView(cut)).debugDescription + rest
  }
}
