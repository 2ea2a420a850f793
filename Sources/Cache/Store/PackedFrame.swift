/// An encoded frame in memory, as it would be written to a segment.
package struct PackedFrame: Sendable {
  package let codec: FrameCodec
  package let bytes: [UInt8]
  /// Of the frame before it was encoded; 0 where the codec is lossy.
  package let rawChecksum: UInt64

  package init(codec: FrameCodec, bytes: [UInt8], rawChecksum: UInt64) {
    self.codec = codec
    self.bytes = bytes
    self.rawChecksum = rawChecksum
  }

  package var byteCount: Int { bytes.count }
}
