package import CKernels

/// Writes and reads the KV frames of one shape.
///
/// It holds zstd's contexts and scratch, so that coding a frame allocates nothing but what `output`
/// grows by. Not thread-safe: one for each thread. The bytes of a frame depend on the frame, the
/// shape, the codec, the options and zstd's version, not on the processor.
///
/// The formats are in docs/kv-codecs.md. They hold no checksum: who stores a frame guards its bytes.
@safe
package final class FrameCoder {
  package let shape: FrameShape
  package let options: FrameCodingOptions

  let kernels: UnsafePointer<spark_codec_kernels>
  let zstd: Zstandard
  /// Where a frame's sections lie before they are compressed and after they are decompressed.
  let scratch: UnsafeMutablePointer<UInt8>

  package convenience init(
    shape: FrameShape, options: FrameCodingOptions = FrameCodingOptions()
  ) throws(CodecError) {
    try self.init(shape: shape, options: options, instructionSet: spark_best_isa())
  }

  /// The same with kernels of a chosen instruction set, for tests.
  package init(
    shape: FrameShape, options: FrameCodingOptions, instructionSet: spark_isa
  ) throws(CodecError) {
    guard let kernels = unsafe spark_codec_kernels_for(instructionSet) else {
      throw CodecError("this processor lacks the instruction set of the codecs asked for.")
    }
    try shape.validate()
    self.shape = shape
    self.options = options
    unsafe self.kernels = kernels
    zstd = try Zstandard(options)
    unsafe scratch = .allocate(
      capacity: max(
        shape.byteCount + shape.heads * shape.dimension,
        QuantizedLayout.int8(shape).scratchByteCount))
  }

  deinit { unsafe scratch.deallocate() }

  /// Appends `frame` to `output` in the form `codec`. `frame` must be `shape.byteCount` bytes.
  package func encode(
    _ frame: RawSpan, as codec: FrameCodec, into output: inout [UInt8]
  ) throws(CodecError) {
    precondition(
      frame.byteCount == shape.byteCount,
      "a frame of \(frame.byteCount) bytes; its shape needs \(shape.byteCount)")
    try unsafe frame.withUnsafeBytes { bytes throws(CodecError) in
      let numbers = unsafe bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
      switch codec {
      case .raw: unsafe output.append(contentsOf: bytes)
      case .exact: try unsafe encodeExact(numbers, into: &output)
      case .int8: try unsafe encodeQuantized(numbers, .int8(shape), into: &output)
      case .int4: try unsafe encodeQuantized(numbers, .int4(shape), into: &output)
      }
    }
  }

  /// Writes the frame in `bytes`, all of them, to the first `shape.byteCount` bytes of `frame`, and
  /// nothing beyond. Damaged bytes are refused, or where that cannot be seen give other numbers;
  /// after an error the frame's contents are unspecified.
  package func decode(
    _ bytes: RawSpan, as codec: FrameCodec, into frame: inout MutableRawSpan
  ) throws(CodecError) {
    precondition(
      frame.byteCount >= shape.byteCount,
      "\(frame.byteCount) bytes for a frame; its shape needs \(shape.byteCount)")
    try unsafe frame.withUnsafeMutableBytes { target throws(CodecError) in
      let numbers = unsafe target.baseAddress!.assumingMemoryBound(to: UInt8.self)
      switch codec {
      case .raw: try unsafe decodeRaw(bytes, into: numbers)
      case .exact: try unsafe decodeExact(bytes, into: numbers)
      case .int8: try unsafe decodeQuantized(bytes, .int8(shape), into: numbers)
      case .int4: try unsafe decodeQuantized(bytes, .int4(shape), into: numbers)
      }
    }
  }

  private func decodeRaw(
    _ bytes: RawSpan, into frame: UnsafeMutablePointer<UInt8>
  ) throws(CodecError) {
    guard bytes.byteCount == shape.byteCount else {
      throw CodecError(
        "a raw KV frame has \(bytes.byteCount) bytes where its shape needs \(shape.byteCount); "
          + "it is damaged or of another model.")
    }
    unsafe bytes.withUnsafeBytes { from in
      let from = unsafe from.baseAddress!.assumingMemoryBound(to: UInt8.self)
      unsafe frame.update(from: from, count: shape.byteCount)
    }
  }
}

extension FrameShape {
  /// Bounds that every model keeps, so that a damaged header asks for no absurd memory.
  func validate() throws(CodecError) {
    let isSane =
      (1...1024).contains(heads) && (1...4096).contains(dimension) && (1...4096).contains(tokens)
      && (dimension...dimension + 64).contains(valueStride)
      && (elementBytes == 2 || elementBytes == 4)
    guard isSane, byteCount <= 1 << 30 else {
      throw CodecError(
        "a KV frame of \(heads) heads, \(dimension) channels (\(valueStride) apart), "
          + "\(tokens) tokens and \(elementBytes)-byte numbers is no frame of a model.")
    }
  }
}
