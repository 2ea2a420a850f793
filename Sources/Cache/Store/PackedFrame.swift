/// An encoded frame in memory, as it would be written to a segment.
struct PackedFrame: Sendable {
  let codec: FrameCodec
  let bytes: [UInt8]
  /// Of the frame before it was encoded; 0 where the codec is lossy.
  let rawChecksum: UInt64

  var byteCount: Int { bytes.count }
}
