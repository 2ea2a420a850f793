import Cache
import Generation

/// What one codec makes of frames: bytes, time and errors.
struct CodecTrial {
  let codec: FrameCodec
  private(set) var frameCount = 0
  /// Bytes of the frames' numbers as f16, and as the codec stores them, all its overhead included.
  private(set) var f16Bytes = 0
  private(set) var storedBytes = 0
  /// Of f16 per second on one thread.
  private(set) var encodeRate = 0.0
  private(set) var decodeRate = 0.0
  private(set) var largestError = 0.0
  private(set) var isBitExact = true
  private var keyError = SquaredError()
  private var valueError = SquaredError()

  init(_ codec: FrameCodec) { self.codec = codec }

  var ratio: Double { Double(f16Bytes) / Double(storedBytes) }
  /// Root mean square of the errors, and the same relative to the numbers' own.
  var rmsError: Double { (keyError + valueError).rms }
  var relativeKeyError: Double { keyError.relative }
  var relativeValueError: Double { valueError.relative }

  /// Writes and reads back all frames in `bytes`, which lie one after another; answers what was read.
  mutating func run(_ bytes: [UInt8], with coder: FrameCoder) throws -> [UInt8] {
    let size = coder.shape.byteCount
    var decoded = [UInt8](repeating: 0, count: bytes.count)
    var stored: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      stored.removeAll(keepingCapacity: true)
      try unsafe coder.encode(
        bytes.span.bytes.extracting(start..<start + size), as: codec, into: &stored)
      var target = decoded.mutableSpan
      var all = unsafe target.mutableBytes
      var frame = all._mutatingExtracting(start..<start + size)
      try unsafe coder.decode(stored.span.bytes, as: codec, into: &frame)
      frameCount += 1
      storedBytes += stored.count
      f16Bytes += size / coder.shape.elementBytes * 2
    }
    compare(bytes, decoded, coder.shape)
    return decoded
  }

  /// Times writing and reading of all frames in `bytes`: the medians of `repetitions` rounds, after
  /// one that does not count.
  mutating func measure(
    _ bytes: [UInt8], with coder: FrameCoder, repetitions: Int
  ) throws {
    let size = coder.shape.byteCount
    let megabytes = Double(bytes.count / coder.shape.elementBytes * 2) / 1e6
    let clock = ContinuousClock()
    var stored: [UInt8] = []
    var ends: [Int] = []
    var encoding: [Double] = []
    var decoding: [Double] = []
    var frame = [UInt8](repeating: 0, count: size)
    for round in 0...repetitions {
      stored.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
      let write = try clock.measure {
        for start in stride(from: 0, to: bytes.count, by: size) {
          try unsafe coder.encode(
            bytes.span.bytes.extracting(start..<start + size), as: codec, into: &stored)
          ends.append(stored.count)
        }
      }
      let read = try clock.measure {
        var start = 0
        for end in ends {
          var target = frame.mutableSpan
          var all = unsafe target.mutableBytes
          try unsafe coder.decode(
            stored.span.bytes.extracting(start..<end), as: codec, into: &all)
          start = end
        }
      }
      guard round > 0 else { continue }
      encoding.append(megabytes / write.seconds)
      decoding.append(megabytes / read.seconds)
    }
    encodeRate = encoding.sorted()[repetitions / 2]
    decodeRate = decoding.sorted()[repetitions / 2]
  }

  private mutating func compare(_ exact: [UInt8], _ decoded: [UInt8], _ shape: FrameShape) {
    isBitExact = isBitExact && exact == decoded
    let numbers = shape.keyCount + shape.valueCount
    unsafe exact.withUnsafeBytes { exact in
      unsafe decoded.withUnsafeBytes { decoded in
        func number(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Double {
          if shape.elementBytes == 2 {
            return unsafe Double(bytes.loadUnaligned(fromByteOffset: index * 2, as: Float16.self))
          }
          return unsafe Double(bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
        }
        for index in 0..<exact.count / shape.elementBytes {
          let original = unsafe number(exact, index)
          let error = unsafe number(decoded, index) - original
          largestError = max(largestError, abs(error))
          if index % numbers < shape.keyCount {
            keyError.add(error, original)
          } else {
            valueError.add(error, original)
          }
        }
      }
    }
  }
}

/// Sums for a root mean square error.
private struct SquaredError {
  private var errors = 0.0
  private var squares = 0.0
  private var count = 0

  mutating func add(_ error: Double, _ original: Double) {
    errors += error * error
    squares += original * original
    count += 1
  }

  var rms: Double { (errors / Double(max(count, 1))).squareRoot() }
  var relative: Double { squares > 0 ? (errors / squares).squareRoot() : 0 }

  static func + (a: SquaredError, b: SquaredError) -> SquaredError {
    var sum = a
    sum.errors += b.errors
    sum.squares += b.squares
    sum.count += b.count
    return sum
  }
}
