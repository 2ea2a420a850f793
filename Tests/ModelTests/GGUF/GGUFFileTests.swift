import Foundation
import Model
import TestSupport
import Testing

struct GGUFFileTests {
  /// One value of every kind and three tensors.
  static let small = GGUFWriter(
    metadata: [
      ("general.architecture", .string("llama")),
      ("a.uint8", .uint8(200)), ("a.int8", .int8(-100)), ("a.uint16", .uint16(60_000)),
      ("a.int16", .int16(-30_000)), ("a.uint32", .uint32(4_000_000_000)),
      ("a.int32", .int32(-2_000_000_000)), ("a.uint64", .uint64(.max)), ("a.int64", .int64(.min)),
      ("a.float32", .float32(1.5)), ("a.float64", .float64(0.1)), ("a.bool", .bool(true)),
      ("a.numbers", .array(2, (0..<9).map { .uint16($0 * 1000) })),
      ("a.floats", .float32s([0.5, -2])), ("a.bools", .array(7, [.bool(true), .bool(false)])),
      ("a.strings", .array(8, [.string(""), .string("é"), .bytes([0xFF, 0x00]), .string("z\n")])),
      ("a.empty", .strings([])),
    ],
    tensors: [
      .init(name: "one", shape: [3], type: 0, data: Array(0..<12)),
      .init(name: "two", shape: [32, 2], type: 8, data: Array(100..<168)),
      .init(name: "three", shape: [256, 1, 2, 1], type: 14, data: Array(repeating: 7, count: 420)),
    ])

  private func file(_ writer: GGUFWriter) throws -> GGUFFile {
    try GGUFFile(bytes: writer.bytes(), name: "test.gguf")
  }

  /// The sentence that reading `bytes` ends in.
  private func message(_ bytes: [UInt8]) -> String {
    do throws(GGUFError) {
      _ = try GGUFFile(bytes: bytes, name: "test.gguf")
      return "no error"
    } catch {
      return error.description
    }
  }

  @Test(arguments: [2, 3] as [UInt32])
  func `metadata read as they were written`(version: UInt32) throws {
    var writer = Self.small
    writer.version = version
    let file = try file(writer)
    let metadata = file.metadata
    #expect(file.version == version)
    #expect(metadata.keys == writer.metadata.map(\.key))
    #expect(metadata.string("general.architecture") == "llama")
    #expect(metadata.integer("a.uint8") == 200)
    #expect(metadata.integer("a.int8") == -100)
    #expect(metadata.integer("a.uint16") == 60_000)
    #expect(metadata.integer("a.int16") == -30_000)
    #expect(metadata.integer("a.uint32") == 4_000_000_000)
    #expect(metadata.integer("a.int32") == -2_000_000_000)
    #expect(metadata.integer("a.uint64") == nil, "it does not fit")
    #expect(metadata.float("a.uint64") == Double(UInt64.max))
    #expect(metadata.integer("a.int64") == .min)
    #expect(metadata.float("a.float32") == 1.5)
    #expect(metadata.float("a.float64") == 0.1)
    #expect(metadata.float("a.int8") == -100)
    #expect(metadata.bool("a.bool") == true)
    #expect(metadata.integers("a.numbers") == (0..<9).map { $0 * 1000 })
    #expect(metadata.floats("a.floats") == [0.5, -2])
    #expect(metadata.floats("a.numbers")?.last == 8000)
    #expect(metadata.bools("a.bools") == [true, false])
    #expect(metadata.count(ofArray: "a.strings") == 4)
    #expect(metadata.count(ofArray: "a.empty") == 0)
    let strings = try #require(metadata.strings("a.strings"))
    #expect((0..<strings.count).map { strings[$0] } == [[], [0xC3, 0xA9], [0xFF, 0], [122, 10]])
    #expect(strings.totalByteCount == 6)
    #expect(metadata.strings("a.empty")?.count == 0)
  }

  @Test func `an empty array may end the file`() throws {
    let file = try file(GGUFWriter(metadata: [("a.empty", .strings([]))]))
    let strings = try #require(file.metadata.strings("a.empty"))
    strings.forEachString { _, _ in Issue.record("there is no string") }
    #expect(strings.count == 0 && strings.totalByteCount == 0)
  }

  @Test func `a getter answers nil for a missing key and for another kind`() throws {
    let metadata = try file(Self.small).metadata
    #expect(metadata.integer("no.such.key") == nil)
    #expect(metadata.string("a.uint8") == nil)
    #expect(metadata.integer("a.float32") == nil)
    #expect(metadata.integer("a.bool") == nil)
    #expect(metadata.bool("a.uint8") == nil)
    #expect(metadata.integers("a.strings") == nil)
    #expect(metadata.integers("a.floats") == nil)
    #expect(metadata.strings("a.numbers") == nil)
    #expect(metadata.count(ofArray: "a.uint8") == nil)
  }

  @Test func `descriptions fit in a line`() throws {
    let metadata = try file(Self.small).metadata
    #expect(metadata.description(of: "a.float32") == "1.5")
    #expect(metadata.description(of: "a.uint64") == "18446744073709551615")
    #expect(metadata.description(of: "a.bool") == "true")
    #expect(metadata.description(of: "general.architecture") == "\"llama\"")
    #expect(
      metadata.description(of: "general.architecture", limit: 2) == "\"ll\"… 5 bytes")
    #expect(metadata.description(of: "a.strings") == #"["", "é", "\#u{FFFD}\0", "z\n"]"#)
    #expect(
      metadata.description(of: "a.numbers")
        == "[0, 1000, 2000, 3000, 4000, 5000, … 9 uint16s]")
    #expect(metadata.description(of: "no.such.key") == nil)
  }

  @Test func `tensors have their shapes, sizes and bytes`() throws {
    let file = try file(Self.small)
    #expect(file.tensors.map(\.name) == ["one", "two", "three"])
    #expect(file.tensors.map(\.type) == [.f32, .q8_0, .q6_K])
    #expect(file.tensors.map(\.shape) == [[3], [32, 2], [256, 1, 2, 1]])
    #expect(file.tensors.map(\.elementCount) == [3, 64, 512])
    #expect(file.tensors.map(\.byteCount) == [12, 68, 420])
    for (tensor, written) in zip(file.tensors, Self.small.tensors) {
      #expect(tensor.offset.isMultiple(of: 32))
      #expect(unsafe file.withUnsafeBytes(of: tensor) { unsafe [UInt8]($0) } == written.data)
      #expect(file.tensor(named: tensor.name) == tensor)
    }
    #expect(file.tensor(named: "four") == nil)
  }

  @Test func `the alignment that a file states is honoured`() throws {
    var writer = Self.small
    writer.alignment = 128
    writer.metadata.append(("general.alignment", .uint32(128)))
    let file = try file(writer)
    for (tensor, written) in zip(file.tensors, writer.tensors) {
      #expect(tensor.offset.isMultiple(of: 128))
      #expect(unsafe file.withUnsafeBytes(of: tensor) { unsafe [UInt8]($0) } == written.data)
    }
  }

  @Test(arguments: [0, 3, 48, 1 << 31] as [UInt32])
  func `an alignment that is no power of two is refused`(alignment: UInt32) {
    var writer = Self.small
    writer.metadata.append(("general.alignment", .uint32(alignment)))
    #expect(message(writer.bytes()).contains("it has to be a power of two"))
  }

  @Test func `a mapped file reads like one in memory`() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).gguf")
    try Data(Self.small.bytes()).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    let mapped = try GGUFFile(path: url.path)
    let copied = try file(Self.small)
    #expect(mapped.tensors == copied.tensors)
    #expect(mapped.metadata.keys == copied.metadata.keys)
    for tensor in mapped.tensors {
      unsafe mapped.withUnsafeBytes(of: tensor) { mapped in
        unsafe copied.withUnsafeBytes(of: tensor) { copied in
          #expect(unsafe mapped.elementsEqual(copied))
        }
      }
    }
  }

  @Test func `the embedded model reads`() throws {
    let file = try GGUFFile(path: Fixture.repositoryPath("models/spark-mini.gguf"))
    #expect(file.metadata.string("general.architecture") == "llama")
    #expect(file.tensors.count == 92)
    #expect(file.metadata.count(ofArray: "tokenizer.ggml.tokens") == 4096)
    #expect(file.tensor(named: "token_embd.weight")?.shape == [256, 4096])
  }

  // MARK: What is refused, and how

  @Test func `every prefix of a file is refused`() {
    let bytes = Self.small.bytes()
    for count in 0..<bytes.count {
      #expect(message(Array(bytes.prefix(count))) != "no error", "the first \(count) bytes")
    }
  }

  @Test func `paths that are no model files are refused by what they are`() throws {
    func message(_ path: String) -> String {
      do throws(GGUFError) {
        _ = try GGUFFile(path: path)
        return "no error"
      } catch {
        return error.description
      }
    }
    let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).gguf")
    try Data().write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    #expect(message(url.path).hasPrefix("\(url.path): the file is empty"))
    #expect(message("/nonexistent/m.gguf").contains("No such file or directory"))
    #expect(message("/").contains("it is a directory"))
    #expect(message("/dev/null").contains("not a regular file"))
  }

  @Test(arguments: [
    (Array("PK\u{3}\u{4}abcdefgh".utf8), "zip"),
    ([80, 0, 0, 0, 0, 0, 0, 0] + Array("{\"__metadata__\"".utf8), "safetensors"),
    (Array("tjgg\u{3}\u{0}\u{0}\u{0}".utf8), "GGML"),
    (Array("<!DOCTYPE html>".utf8), "web page"),
    (Array("version https://git-lfs.github.com/spec/v1".utf8), "git lfs pull"),
    ([0x1F, 0x8B, 8, 0, 0], "unpack"),
    (Array("GG".utf8), "only 2 bytes"),
    (Array("Once upon a time".utf8), "begin with the letters GGUF"),
  ])
  func `a file of another kind is refused with a hint`(bytes: [UInt8], hint: String) {
    #expect(message(bytes).hasPrefix("test.gguf: this is not a GGUF file"))
    #expect(message(bytes).contains(hint))
  }

  @Test(
    arguments: [
      (1, "GGUF version 1"), (3 << 24, "big-endian"), (4, "GGUF version 4"),
    ] as [(UInt32, String)])
  func `other versions are refused by name`(version: UInt32, words: String) {
    var writer = Self.small
    writer.version = version
    #expect(message(writer.bytes()).contains(words))
  }

  @Test func `what is stated twice is refused`() {
    var writer = Self.small
    writer.metadata.append(("a.int8", .uint32(1)))
    #expect(message(writer.bytes()).contains("'a.int8' occurs twice"))
    writer = Self.small
    writer.tensors[2].name = "one"
    #expect(message(writer.bytes()).contains("tensor 'one' occurs twice"))
  }

  @Test func `arrays of arrays are refused`() {
    var writer = Self.small
    writer.metadata.append(("nested", .array(9, [.int32s([1])])))
    #expect(message(writer.bytes()).contains("'nested' holds arrays"))
  }

  @Test func `a tensor of an unknown type is refused by both names`() {
    var writer = Self.small
    writer.tensors[1].type = 23
    let message = message(writer.bytes())
    #expect(message.contains("tensor 'two' has type IQ4_XS (23)"))
    #expect(message.contains("F32, F16, Q4_0"))
  }

  @Test(
    arguments: [
      ([], "has 0 dimensions"), ([1, 1, 1, 1, 1], "has 5 dimensions"), ([3, 0], "length 0"),
      ([1 << 63], "length 9223372036854775808"), ([1 << 32, 1 << 32], "too large"),
      ([1 << 62, 1, 1], "too large"), ([1 << 40], "ends beyond"), ([4], "ends beyond"),
    ] as [([UInt64], String)])
  func `an impossible shape is refused`(shape: [UInt64], words: String) {
    var writer = GGUFWriter()
    writer.tensors = [.init(name: "t", shape: shape, type: 0, data: Array(0..<12))]
    #expect(message(writer.bytes()).contains(words))
  }

  @Test func `rows that end inside a block are refused`() {
    var writer = GGUFWriter()
    writer.tensors = [.init(name: "t", shape: [48, 2], type: 8, data: Array(0..<102))]
    #expect(message(writer.bytes()).contains("no multiple of Q8_0's block of 32"))
  }

  @Test(
    arguments: [
      (33, "no multiple of the alignment"), (32, "ends beyond"), (1 << 62, "ends beyond"),
      (UInt64.max - 31, "no multiple"),
    ] as [(UInt64, String)])
  func `data outside the file are refused`(offset: UInt64, words: String) {
    var writer = GGUFWriter()
    writer.tensors = [
      .init(name: "t", shape: [3], type: 0, data: Array(0..<12), statedOffset: offset)
    ]
    #expect(message(writer.bytes()).contains(words))
  }

  @Test func `a truth value other than 0 and 1 is refused`() {
    var bytes = GGUFWriter(metadata: [("b", .bool(true))]).bytes()
    bytes[bytes.count - 1] = 2
    #expect(message(bytes).contains("truth value"))
  }
}
