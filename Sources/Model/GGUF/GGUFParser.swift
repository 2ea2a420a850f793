/// Reads a GGUF file's head from start to end, believing nothing: each count is compared with the
/// bytes that are left before anything is allocated for it.
///
/// Layout: magic, version, tensor count, key count; the keys with their values; the tensors'
/// entries; padding to the alignment; the tensors' data, to which their offsets are relative.
struct GGUFParser {
  struct Parts {
    var version: Int
    var metadata: GGUFMetadata
    var tensors: [GGUFTensor]
    var positions: [String: Int]
  }

  let bytes: FileBytes
  let name: String
  private var offset = 0

  /// The specification allows keys of 65,535 bytes; tensor names get the same room.
  private static let longestName = 65_535

  init(bytes: FileBytes, name: String) {
    self.bytes = bytes
    self.name = name
  }

  mutating func parse() throws(GGUFError) -> Parts {
    let version = try parseVersion()
    let tensorCount = try parseCount(of: "tensors", smallest: Self.smallestTensor, inHeader: true)
    let keyCount = try parseCount(of: "metadata keys", smallest: 13)
    let metadata = try parseMetadata(count: keyCount)
    let alignment = try alignment(in: metadata)
    let (tensors, positions) = try parseTensors(count: tensorCount, alignment: alignment)
    return Parts(version: version, metadata: metadata, tensors: tensors, positions: positions)
  }

  // MARK: Header

  private mutating func parseVersion() throws(GGUFError) -> Int {
    let magic = Array("GGUF".utf8)
    let head = bytes.withBytes(in: 0..<min(bytes.count, 64)) { [UInt8](copying: $0) }
    guard head.starts(with: magic) else {
      throw fail("this is not a GGUF file\(Self.hint(head)).")
    }
    offset = magic.count
    let version = try read(UInt32.self, "the format's version")
    switch version {
    case 2, 3: return Int(version)
    case 1:
      throw fail(
        "this is GGUF version 1, which nothing writes since 2023; fetch a newer conversion.")
    case _ where (1...1000).contains(version.byteSwapped):
      throw fail(
        "this GGUF file is big-endian (its version reads as \(version)); only little-endian "
          + "files can be used, fetch or convert to one.")
    default:
      throw fail("this is GGUF version \(version); versions 2 and 3 are supported.")
    }
  }

  /// What a file that is not GGUF seems to be, and what to do.
  private static func hint(_ head: [UInt8]) -> String {
    func begins(_ text: String) -> Bool { head.starts(with: text.utf8) }
    if head.count < 4 { return ": it has only \(head.count) bytes" }
    if head.count > 8, head[8] == UInt8(ascii: "{"), head[4..<8].allSatisfy({ $0 == 0 }) {
      return " but safetensors; convert it with llama.cpp's convert_hf_to_gguf.py"
    }
    if begins("PK") {
      return " but a zip archive, perhaps a PyTorch checkpoint; convert it with llama.cpp's "
        + "convert_hf_to_gguf.py"
    }
    if ["lmgg", "fmgg", "tjgg"].contains(where: begins) {
      return " but its predecessor GGML; fetch a GGUF conversion of the model"
    }
    if begins("version https://git-lfs") {
      return " but a Git LFS pointer; run 'git lfs pull' to fetch the file itself"
    }
    if begins("<") { return " but looks like a web page; the download may have failed" }
    if head.starts(with: [0x1F, 0x8B]) || head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
      return " but compressed; unpack it first"
    }
    return " (it should begin with the letters GGUF); fetch the model's .gguf file"
  }

  // MARK: Metadata

  private mutating func parseMetadata(count: Int) throws(GGUFError) -> GGUFMetadata {
    var keys: [String] = []
    var values: [String: GGUFValue] = [:]
    keys.reserveCapacity(count)
    values.reserveCapacity(count)
    for i in 0..<count {
      let key = try readName("metadata key \(i)")
      let type = try readType("metadata key '\(key)'")
      let value: GGUFValue
      switch type {
      case .string: value = .string(try readString("the value of '\(key)'"))
      case .array: value = try parseArray(key)
      default:
        value = .scalar(type, offset: offset)
        try skip(type.byteCount!, "the value of '\(key)'")
        if type == .bool { try checkBools(in: offset - 1..<offset, key) }
      }
      guard values.updateValue(value, forKey: key) == nil else {
        throw fail("metadata key '\(key)' occurs twice; the file is corrupt.")
      }
      keys.append(key)
    }
    return GGUFMetadata(bytes: bytes, keys: keys, values: values)
  }

  private mutating func parseArray(_ key: String) throws(GGUFError) -> GGUFValue {
    let what = "the array '\(key)'"
    let type = try readType(what)
    guard type != .array else {
      throw fail("\(what) holds arrays; arrays of arrays are not supported.")
    }
    // A string takes at least the eight bytes of its length.
    let count = try parseCount(of: "elements of \(what)", smallest: type.byteCount ?? 8)
    let start = offset
    if let width = type.byteCount {
      try skip(count * width, what)
      if type == .bool { try checkBools(in: start..<offset, key) }
    } else {
      for _ in 0..<count { _ = try readString(what) }
    }
    return .array(type, count: count, start..<offset)
  }

  private func checkBools(in range: Range<Int>, _ key: String) throws(GGUFError) {
    let areBools = bytes.withBytes(in: range) { bytes in
      bytes.indices.allSatisfy { bytes[$0] <= 1 }
    }
    guard areBools else {
      throw fail("'\(key)' is a truth value other than 0 and 1; the file is corrupt.")
    }
  }

  private func alignment(in metadata: GGUFMetadata) throws(GGUFError) -> Int {
    let key = "general.alignment"
    guard metadata.contains(key) else { return 32 }
    guard let alignment = metadata.integer(key), alignment > 0, alignment <= 1 << 30,
      alignment & (alignment - 1) == 0
    else {
      throw fail(
        "'\(key)' is \(metadata.description(of: key) ?? "missing"); it has to be a power of two.")
    }
    return alignment
  }

  // MARK: Tensors

  /// A name's length, the dimension count, one dimension, the type and the offset.
  private static let smallestTensor = 8 + 4 + 8 + 4 + 8

  private mutating func parseTensors(
    count: Int, alignment: Int
  ) throws(GGUFError) -> (tensors: [GGUFTensor], positions: [String: Int]) {
    guard count <= (bytes.count - offset) / Self.smallestTensor else {
      throw fail(
        "the file says it has \(count) tensors, which \(bytes.count - offset) bytes cannot "
          + "describe; it is corrupt or cut short.")
    }
    var entries: [GGUFTensor] = []
    var positions: [String: Int] = [:]
    entries.reserveCapacity(count)
    positions.reserveCapacity(count)
    for i in 0..<count {
      let entry = try parseTensor(i, alignment: alignment)
      guard positions.updateValue(i, forKey: entry.name) == nil else {
        throw fail("tensor '\(entry.name)' occurs twice; the file is corrupt.")
      }
      entries.append(entry)
    }

    let (padded, overflow) = offset.addingReportingOverflow(alignment - 1)
    let dataStart = overflow ? Int.max : padded & ~(alignment - 1)
    var tensors: [GGUFTensor] = []
    tensors.reserveCapacity(count)
    for entry in entries {
      let (start, overflow) = dataStart.addingReportingOverflow(entry.offset)
      guard !overflow, start <= bytes.count, entry.byteCount <= bytes.count - start else {
        throw fail(
          "the data of tensor '\(entry.name)' (\(entry.byteCount) bytes at \(entry.offset) after "
            + "byte \(dataStart)) ends beyond the file's \(bytes.count) bytes; the file is cut "
            + "short, fetch it again.")
      }
      tensors.append(
        GGUFTensor(
          name: entry.name, type: entry.type, shape: entry.shape,
          elementCount: entry.elementCount, byteCount: entry.byteCount, offset: start))
    }
    return (tensors, positions)
  }

  /// One entry, its offset still relative to the start of the data.
  private mutating func parseTensor(_ i: Int, alignment: Int) throws(GGUFError) -> GGUFTensor {
    let name = try readName("tensor name \(i)")
    let what = "tensor '\(name)'"
    let dimensionCount = try read(UInt32.self, "\(what)'s dimension count")
    guard (1...4).contains(dimensionCount) else {
      throw fail("\(what) has \(dimensionCount) dimensions; 1 to 4 are supported.")
    }
    var shape: [Int] = []
    for _ in 0..<dimensionCount {
      let length = try read(UInt64.self, "\(what)'s shape")
      guard length > 0, let length = Int(exactly: length) else {
        throw fail("\(what) has a dimension of length \(length); the file is corrupt.")
      }
      shape.append(length)
    }
    let rawType = try read(UInt32.self, "\(what)'s type")
    guard let type = TensorType(rawValue: rawType) else {
      let supported = TensorType.allCases.map(\.name).joined(separator: ", ")
      throw fail(
        "\(what) has type \(TensorType.name(ofRawValue: rawType)), which is not supported; use a "
          + "file with only these types: \(supported).")
    }
    guard shape[0].isMultiple(of: type.blockLength) else {
      throw fail(
        "\(what) has rows of \(shape[0]) elements, which is no multiple of \(type.name)'s block "
          + "of \(type.blockLength); the file is corrupt.")
    }
    let relativeOffset = try read(UInt64.self, "\(what)'s offset")
    guard let relativeOffset = Int(exactly: relativeOffset),
      relativeOffset.isMultiple(of: alignment)
    else {
      throw fail(
        "\(what)'s data begin at \(relativeOffset), which is no multiple of the alignment "
          + "\(alignment); the file is corrupt.")
    }
    guard let (elementCount, byteCount) = Self.size(shape, type) else {
      throw fail("\(what) has shape \(shape), too large to exist; the file is corrupt.")
    }
    return GGUFTensor(
      name: name, type: type, shape: shape, elementCount: elementCount, byteCount: byteCount,
      offset: relativeOffset)
  }

  /// Elements and bytes of a tensor, or nil where they exceed `Int`.
  private static func size(_ shape: [Int], _ type: TensorType) -> (elements: Int, bytes: Int)? {
    var elements = 1
    for length in shape {
      let (product, overflow) = elements.multipliedReportingOverflow(by: length)
      guard !overflow else { return nil }
      elements = product
    }
    let (bytes, overflow) = (elements / type.blockLength)
      .multipliedReportingOverflow(by: type.blockByteCount)
    return overflow ? nil : (elements, bytes)
  }

  // MARK: Primitives

  private func fail(_ message: String) -> GGUFError { GGUFError(file: name, message: message) }

  private mutating func skip(_ count: Int, _ what: @autoclosure () -> String) throws(GGUFError) {
    guard count <= bytes.count - offset else {
      throw fail(
        "the file ends at byte \(bytes.count) inside \(what()); it is cut short, fetch it again.")
    }
    offset += count
  }

  private mutating func read<T: FixedWidthInteger & BitwiseCopyable>(
    _ type: T.Type, _ what: @autoclosure () -> String
  ) throws(GGUFError) -> T {
    let start = offset
    try skip(MemoryLayout<T>.size, what())
    return bytes.load(type, at: start)
  }

  /// A count of things that each take at least `smallest` bytes. Those counted in the header come
  /// after other things, which only makes the bound looser.
  private mutating func parseCount(
    of what: String, smallest: Int, inHeader: Bool = false
  ) throws(GGUFError) -> Int {
    let count = try read(UInt64.self, "the number of \(what)")
    let room = (bytes.count - offset) / smallest
    guard let count = Int(exactly: count), count <= room else {
      throw fail(
        "the file says it has \(count) \(what), but only \(bytes.count - offset) bytes follow; it "
          + "is corrupt or cut short.")
    }
    return count
  }

  private mutating func readType(_ what: @autoclosure () -> String) throws(GGUFError)
    -> GGUFValueType
  {
    let rawValue = try read(UInt32.self, what())
    guard let type = GGUFValueType(rawValue: rawValue) else {
      throw fail("\(what()) has the unknown value type \(rawValue); the file is corrupt.")
    }
    return type
  }

  /// The bytes of a string, its length in eight bytes before them.
  private mutating func readString(_ what: @autoclosure () -> String) throws(GGUFError)
    -> Range<Int>
  {
    let length = try read(UInt64.self, what())
    guard length <= UInt64(bytes.count - offset) else {
      throw fail(
        "a string of \(length) bytes in \(what()) ends beyond the file's \(bytes.count) bytes; the "
          + "file is corrupt or cut short.")
    }
    let start = offset
    offset += Int(length)
    return start..<offset
  }

  private mutating func readName(_ what: @autoclosure () -> String) throws(GGUFError) -> String {
    let range = try readString(what())
    guard range.count <= Self.longestName else {
      throw fail(
        "\(what()) is \(range.count) bytes long, at most \(Self.longestName) are allowed; the file "
          + "is corrupt.")
    }
    let text = bytes.withBytes(in: range) { bytes in
      String(validating: [UInt8](copying: bytes), as: UTF8.self)
    }
    guard let text else { throw fail("\(what()) is not UTF-8; the file is corrupt.") }
    return text
  }
}
