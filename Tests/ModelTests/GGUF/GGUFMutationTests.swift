import Foundation
import Model
import TestSupport
import Testing

/// Damaged files are read or refused; neither crashes nor takes memory that the file does not.
struct GGUFMutationTests {
  @Test func `20,000 damaged files are each read or refused`() {
    let seed: UInt64 = 0x5EED_0001
    var generator = SeededGenerator(seed: seed)
    let original = GGUFFileTests.small.bytes()
    let peakBefore = Self.peakMemory()
    var readCount = 0
    for round in 0..<20_000 {
      let bytes = Self.mutate(original, using: &generator)
      guard let file = try? GGUFFile(bytes: bytes, name: "damaged") else { continue }
      readCount += 1
      let isConsistent = Self.touchEverything(file, byteCount: bytes.count)
      #expect(isConsistent, "seed \(seed), round \(round)")
    }
    // A test in which nothing, or everything, parsed would prove nothing.
    #expect((100..<19_900).contains(readCount), "seed \(seed): \(readCount) files were read")
    let growth = Self.peakMemory() - peakBefore
    #expect(growth < 256 << 20, "peak memory grew by \(growth) bytes for files of a kilobyte")
  }

  /// Whether all that the file promises lies inside it, after reading all of it.
  private static func touchEverything(_ file: GGUFFile, byteCount: Int) -> Bool {
    var sum = 0
    for tensor in file.tensors {
      guard tensor.offset >= 0, tensor.offset + tensor.byteCount <= byteCount,
        tensor.shape.reduce(1, *) == tensor.elementCount,
        tensor.elementCount / tensor.type.blockLength * tensor.type.blockByteCount
          == tensor.byteCount
      else { return false }
      sum += unsafe file.withUnsafeBytes(of: tensor) { bytes in
        unsafe bytes.reduce(0) { $0 + Int($1) }
      }
    }
    let metadata = file.metadata
    for key in metadata.keys {
      guard metadata.description(of: key) != nil else { return false }
      _ = (metadata.integer(key), metadata.float(key), metadata.bool(key), metadata.string(key))
      _ = (metadata.integers(key), metadata.floats(key), metadata.bools(key))
      if let strings = metadata.strings(key) {
        guard strings.count == metadata.count(ofArray: key) else { return false }
        sum += (0..<strings.count).reduce(0) { $0 + strings[$1].count }
      }
    }
    return sum >= 0
  }

  /// `bytes` with one to three kinds of damage.
  private static func mutate(
    _ bytes: [UInt8], using generator: inout SeededGenerator
  ) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      guard bytes.count > 16 else { break }
      let i = Int.random(in: 0..<bytes.count - 8, using: &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: bytes[i] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[i] = .random(in: 0...255, using: &generator)
      case 2: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
      case 3:
        // Lengths and counts are eight bytes: make some huge, some nearly right.
        let lengths: [UInt64] = [
          .max, .max / 2, .max / 8, 1 << 32, 1 << 20, UInt64(bytes.count), UInt64(bytes.count - i),
          0, 1, 0x8000_0000_0000_0000,
        ]
        let length = lengths.randomElement(using: &generator)!
        for k in 0..<8 { bytes[i + k] = UInt8(truncatingIfNeeded: length >> UInt64(8 * k)) }
      case 4:
        let j = Int.random(in: 0..<bytes.count, using: &generator)
        let count = Int.random(in: 1...64, using: &generator)
        bytes.insert(contentsOf: bytes[j..<min(j + count, bytes.count)], at: i)
      default:
        let count = Int.random(in: 1...16, using: &generator)
        bytes.removeSubrange(i..<min(i + count, bytes.count))
      }
    }
    return bytes
  }

  /// The most bytes this process has had in memory, from `/proc/self/status`.
  private static func peakMemory() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kibibytes = Int(line.filter(\.isNumber))
    else { return 0 }
    return kibibytes << 10
  }
}
