import CKernels
import Cache
import TestSupport
import Testing

@Suite("Frame codecs")
struct FrameCoderTests {
  @Test(
    "Raw and exact give back every bit",
    arguments: codecShapes, FrameContent.allCases)
  func lossless(shape: FrameShape, content: FrameContent) throws {
    for seed in 0..<4 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let frame = content.frame(shape, &random)
      let coder = try FrameCoder(shape: shape)
      for codec in [FrameCodec.raw, .exact] {
        let decoded = try coder.decode(coder.encode(frame, as: codec), as: codec)
        #expect(decoded.frame == frame && !decoded.strayed, "seed \(seed), \(codec)")
      }
    }
  }

  @Test("Exact gives back every f16 there is, in every instruction set")
  func everyHalf() throws {
    let shape = FrameShape(heads: 8, dimension: 64, tokens: 64, valueStride: 64, elementBytes: 2)
    var frame: [UInt8] = []
    for index in 0..<shape.keyCount + shape.valueCount {
      let bits = UInt16(truncatingIfNeeded: index)
      frame += [UInt8(bits & 255), UInt8(bits >> 8)]
    }
    for set in codecInstructionSets {
      let coder = try FrameCoder(
        shape: shape, options: FrameCodingOptions(), instructionSet: set)
      #expect(try coder.decode(coder.encode(frame, as: .exact), as: .exact).frame == frame)
    }
  }

  @Test(
    "A quantized number is off by at most half a step and its rounding to f16",
    arguments: codecShapes, [FrameContent.channels, .zeros, .constant, .extremes])
  func errorBound(shape: FrameShape, content: FrameContent) throws {
    for (codec, keyLevels, valueLevels) in [
      (FrameCodec.int8, Float(127), Float(126)), (.int4, 15, 14),
    ] {
      for seed in 0..<4 as Range<UInt64> {
        var random = SeededGenerator(seed: seed)
        let frame = content.frame(shape, &random)
        let coder = try FrameCoder(shape: shape)
        let original = numbers(frame, shape)
        let decoded = numbers(
          try coder.decode(coder.encode(frame, as: codec), as: codec).frame, shape)
        // Where a row's numbers begin in a frame, how many they are, and what its steps are.
        func check(start: Int, length: Int, levels: Float, hasZeros: Bool) {
          let groups = (length + 63) / 64
          let group = (length + groups - 1) / groups
          for begin in stride(from: start, to: start + length, by: group) {
            let range = begin..<min(begin + group, start + length)
            let low = original[range].min()!
            let high = original[range].max()!
            // Rounding the zero down costs up to an f16's spacing, the scale up likewise.
            let spacing = max(low.magnitude, high.magnitude) * 0x1p-10 + 0x1p-24
            let reach =
              hasZeros
              ? high - low + (shape.elementBytes == 4 ? spacing : 0)
              : 2 * max(low.magnitude, high.magnitude)
            let step = reach / levels * (1 + 0x1p-10) + 0x1p-24
            for index in range {
              let error = (decoded[index] - original[index]).magnitude
              let rounding = original[index].magnitude * 0x1p-11 + step * 0x1p-11 + 0x1p-25
              #expect(
                error <= step * 0.5001 + rounding,
                "seed \(seed), \(codec): number \(index) was \(original[index]), is \(decoded[index])"
              )
            }
          }
        }
        for row in 0..<shape.heads * shape.dimension {
          check(start: row * shape.tokens, length: shape.tokens, levels: keyLevels, hasZeros: true)
        }
        for row in 0..<shape.heads * shape.tokens {
          check(
            start: shape.keyCount + row * shape.valueStride, length: shape.dimension,
            levels: valueLevels, hasZeros: false)
        }
      }
    }
  }

  @Test(
    "Quantizing any bits gives finite numbers, and zeros in the padding", arguments: codecShapes)
  func finite(shape: FrameShape) throws {
    for seed in 0..<8 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let frame = FrameContent.anyBits.frame(shape, &random)
      let coder = try FrameCoder(shape: shape)
      for codec in [FrameCodec.int8, .int4] {
        let decoded = numbers(
          try coder.decode(coder.encode(frame, as: codec), as: codec).frame, shape)
        #expect(decoded.allSatisfy { $0.magnitude <= 65504 }, "seed \(seed), \(codec)")
        for (index, number) in decoded[shape.keyCount...].enumerated()
        where index % shape.valueStride >= shape.dimension {
          #expect(number == 0, "seed \(seed), \(codec)")
        }
      }
    }
  }

  @Test(
    "Every instruction set writes and reads the same bytes",
    arguments: codecShapes, FrameContent.allCases)
  func instructionSets(shape: FrameShape, content: FrameContent) throws {
    let coders = try codecInstructionSets.map {
      try FrameCoder(shape: shape, options: FrameCodingOptions(), instructionSet: $0)
    }
    for seed in 0..<4 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let frame = content.frame(shape, &random)
      for codec in FrameCodec.allCases {
        let written = try coders.map { try $0.encode(frame, as: codec) }
        let read = try coders.map { try $0.decode(written[0], as: codec).frame }
        #expect(written.allSatisfy { $0 == written[0] }, "seed \(seed), \(codec)")
        #expect(read.allSatisfy { $0 == read[0] }, "seed \(seed), \(codec)")
      }
    }
  }

  @Test("Frames are appended to what is there, and a coder's history leaves no trace")
  func appended() throws {
    let shape = codecShapes[0]
    var random = SeededGenerator(seed: 7)
    let frames = (0..<3).map { _ in FrameContent.channels.frame(shape, &random) }
    let coder = try FrameCoder(shape: shape)
    for codec in FrameCodec.allCases {
      var output: [UInt8] = [1, 2, 3]
      var expected: [UInt8] = [1, 2, 3]
      for frame in frames {
        try coder.encode(frame.span.bytes, as: codec, into: &output)
        expected += try FrameCoder(shape: shape).encode(frame, as: codec)
      }
      #expect(output == expected, "\(codec)")
    }
  }

  @Test("A coder reads what another level wrote")
  func levels() throws {
    let shape = codecShapes[0]
    var random = SeededGenerator(seed: 8)
    let frame = FrameContent.channels.frame(shape, &random)
    let hard = try FrameCoder(shape: shape, options: FrameCodingOptions(level: 19))
    let quick = try FrameCoder(shape: shape)
    #expect(try quick.decode(hard.encode(frame, as: .exact), as: .exact).frame == frame)
  }

  @Test("Shapes of no model are refused")
  func shapes() {
    for shape in [
      FrameShape(heads: 0, dimension: 64, tokens: 64, valueStride: 64, elementBytes: 2),
      FrameShape(heads: 1, dimension: 64, tokens: -1, valueStride: 64, elementBytes: 2),
      FrameShape(heads: 1, dimension: 64, tokens: 64, valueStride: 32, elementBytes: 2),
      FrameShape(heads: 1, dimension: 64, tokens: 64, valueStride: 64, elementBytes: 3),
      FrameShape(heads: .max, dimension: .max, tokens: .max, valueStride: .max, elementBytes: 2),
      FrameShape(heads: 1024, dimension: 4096, tokens: 4096, valueStride: 4096, elementBytes: 4),
    ] {
      #expect(throws: CodecError.self) { try FrameCoder(shape: shape) }
    }
  }
}
