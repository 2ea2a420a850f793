internal import Cache
internal import Model

/// A block as a snapshot holds it. Its tokens are the sequence's.
struct SnapshotBlock {
  /// Its number in the session; the one behind the filled blocks is the tail.
  var place: Int
  var identity: BlockIdentity
  /// Turns that ended before it.
  var turn: Int
  /// Seconds since 1970.
  var time: Int64
  var tokens: Int
  /// Of its keys and values before they were encoded; 0 where the codec is lossy.
  var checksum: UInt64
  /// See ``Passage/vectors``.
  var vectors: [UInt16]
  /// Encoded, one for each layer: where they are in `bytes`.
  var frames: [Range<Int>]
  var bytes: [UInt8]
}

extension SnapshotBlock {
  /// What comes before the frames, each of which has its length in four bytes before it.
  static func encoded(
    place: Int, identity: BlockIdentity, passage: Passage, checksum: UInt64, frames: [[UInt8]]
  ) -> [UInt8] {
    var bytes = SnapshotBytes()
    bytes.reserve(128 + passage.vectors.count * 2 + frames.reduce(0) { $0 + $1.count + 4 })
    bytes.put(UInt64(place))
    bytes.put(identity)
    bytes.put(UInt32(passage.turn))
    bytes.put(passage.time)
    bytes.put(UInt32(passage.tokens.count))
    bytes.put(checksum)
    bytes.put(UInt32(passage.vectors.count))
    for vector in passage.vectors { bytes.put(vector) }
    bytes.put(UInt32(frames.count))
    for frame in frames {
      bytes.put(UInt32(frame.count))
      bytes.put(frame)
    }
    return bytes.bytes
  }

  /// Nil when the bytes are none of a block of `sequence`.
  init?(encoded bytes: [UInt8], of sequence: SnapshotHeader.Sequence) {
    var cursor = SnapshotCursor(bytes)
    guard let place = cursor.take(UInt64.self), place <= sequence.blocks,
      let identity = cursor.takeIdentity(), let turn = cursor.take(UInt32.self),
      let time = cursor.take(Int64.self), let tokens = cursor.take(UInt32.self),
      let checksum = cursor.take(UInt64.self), (checksum == 0) != sequence.codec.isLossless,
      let vectorCount = cursor.take(UInt32.self), Int(vectorCount) * 2 <= cursor.left
    else { return nil }
    // A filled block has all its tokens, the tail some of those that are left.
    let isTail = place == sequence.blocks
    let length = sequence.layout.blockLength
    guard isTail == (tokens != length), tokens > 0, !isTail || sequence.hasTail,
      Int(place) * length + Int(tokens) <= sequence.tokens
    else { return nil }
    var vectors: [UInt16] = []
    vectors.reserveCapacity(Int(vectorCount))
    for _ in 0..<vectorCount { vectors.append(cursor.take()!) }
    guard cursor.take(UInt32.self) == UInt32(sequence.layout.layers) else { return nil }
    var frames: [Range<Int>] = []
    for _ in 0..<sequence.layout.layers {
      guard let count = cursor.take(UInt32.self), let range = cursor.take(bytes: Int(count)) else {
        return nil
      }
      frames.append(range)
    }
    guard cursor.isAtEnd else { return nil }
    self.init(
      place: Int(place), identity: identity, turn: Int(turn), time: time, tokens: Int(tokens),
      checksum: checksum, vectors: vectors, frames: frames, bytes: bytes)
  }

  /// Decodes keys and values to `target`, a whole block.
  ///
  /// - Returns: false when they are not what was written.
  func decode(with coder: FrameCoder, as codec: FrameCodec, into target: inout [UInt8]) -> Bool {
    let size = coder.shape.byteCount
    for (number, range) in frames.enumerated() {
      do throws(CodecError) {
        var numbers = target.mutableSpan
        try unsafe numbers.withUnsafeMutableBytes { buffer throws(CodecError) in
          let part = unsafe UnsafeMutableRawBufferPointer(
            rebasing: buffer[number * size..<(number + 1) * size])
          var frame = unsafe part.mutableBytes
          try coder.decode(unsafe bytes.span.bytes.extracting(range), as: codec, into: &frame)
        }
      } catch {
        return false
      }
    }
    return !codec.isLossless || Self.checksum(target) == checksum
  }

  /// The checksum of a block, never 0.
  static func checksum(_ bytes: [UInt8]) -> UInt64 { max(1, Checksum.xxh64(bytes)) }
}
