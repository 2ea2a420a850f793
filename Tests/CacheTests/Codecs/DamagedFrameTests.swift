import Cache
import TestSupport
import Testing

@Suite("Damaged frames")
struct DamagedFrameTests {
  @Test("Ten thousand damaged frames are refused or read, and nothing else is written")
  func mutations() throws {
    var refused = 0
    for seed in 0..<10_000 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let shape = codecShapes[Int.random(in: 1..<codecShapes.count, using: &random)]
      let codec = FrameCodec.allCases.randomElement(using: &random)!
      let coder = try FrameCoder(shape: shape)
      var bytes = try coder.encode(
        FrameContent.allCases.randomElement(using: &random)!.frame(shape, &random), as: codec)
      damage(&bytes, &random)
      do {
        let decoded = try coder.decode(bytes, as: codec)
        #expect(!decoded.strayed, "seed \(seed): \(codec) wrote beyond the frame")
        if !codec.isLossless {
          let numbers = numbers(decoded.frame, shape)
          #expect(numbers.allSatisfy { $0.magnitude <= 65504 }, "seed \(seed), \(codec)")
        }
      } catch is CodecError {
        refused += 1
      }
    }
    #expect(refused > 2000, "\(refused) of 10000 refused")
  }

  @Test("A frame cut anywhere is refused", arguments: FrameCodec.allCases)
  func truncation(codec: FrameCodec) throws {
    let shape = codecShapes[1]
    var random = SeededGenerator(seed: 3)
    let coder = try FrameCoder(shape: shape)
    let bytes = try coder.encode(FrameContent.channels.frame(shape, &random), as: codec)
    for length in 0..<bytes.count {
      #expect(throws: CodecError.self, "cut to \(length)") {
        try coder.decode(Array(bytes[..<length]), as: codec)
      }
    }
    #expect(throws: CodecError.self) { try coder.decode(bytes + [0], as: codec) }
  }

  @Test("A section that claims more than can be is refused by name")
  func claims() throws {
    let shape = codecShapes[0]
    let coder = try FrameCoder(shape: shape)
    let error = #expect(throws: CodecError.self) {
      try coder.decode([255, 255, 255, 255, 0], as: .int8)
    }
    #expect(error?.description.contains("claims 4294967295 bytes") == true)
  }

  @Test("A compressed section of another length is refused")
  func otherContent() throws {
    let small = FrameShape(heads: 1, dimension: 64, tokens: 64, valueStride: 64, elementBytes: 2)
    let large = FrameShape(heads: 4, dimension: 64, tokens: 64, valueStride: 64, elementBytes: 2)
    var random = SeededGenerator(seed: 5)
    let bytes = try FrameCoder(shape: small).encode(
      FrameContent.channels.frame(small, &random), as: .int4)
    #expect(throws: CodecError.self) { try FrameCoder(shape: large).decode(bytes, as: .int4) }
  }

  private func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    switch Int.random(in: 0..<5, using: &random) {
    case 0: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
    case 1:
      let count = Int.random(in: 1...64, using: &random)
      for _ in 0..<count { bytes.append(UInt8.random(in: 0...255, using: &random)) }
    case 2:
      // The first section's length and header.
      let place = Int.random(in: 0..<min(16, bytes.count), using: &random)
      bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 3:
      let start = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(bytes.count, start + Int.random(in: 1...32, using: &random))
      for place in start..<end { bytes[place] = UInt8.random(in: 0...255, using: &random) }
    default:
      let count = Int.random(in: 1...8, using: &random)
      for _ in 0..<count {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
          1 << UInt8.random(in: 0..<8, using: &random)
      }
    }
  }
}
