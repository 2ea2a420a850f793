internal import CZstd

/// A pair of zstd contexts, reused from frame to frame.
@safe
final class Zstandard {
  private let compressor: OpaquePointer
  private let decompressor: OpaquePointer

  init(_ options: FrameCodingOptions) throws(CodecError) {
    guard let compressor = unsafe ZSTD_createCCtx() else {
      throw CodecError("there is no memory for a zstd context.")
    }
    guard let decompressor = unsafe ZSTD_createDCtx() else {
      unsafe ZSTD_freeCCtx(compressor)
      throw CodecError("there is no memory for a zstd context.")
    }
    unsafe self.compressor = compressor
    unsafe self.decompressor = decompressor
    unsafe ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, Int32(options.level))
    // Symbols and exponents are nearly noise: a short match costs more than it saves, in bytes and
    // in time to decode. Long ones occur where tokens recur, in the first layer's values.
    if options.level == 1 {
      unsafe ZSTD_CCtx_setParameter(compressor, ZSTD_c_minMatch, 7)
    }
  }

  deinit {
    unsafe ZSTD_freeCCtx(compressor)
    unsafe ZSTD_freeDCtx(decompressor)
  }

  /// Appends `content` as a zstd frame if that takes fewer than `limit` bytes; else appends nothing
  /// and answers false.
  func append(
    _ content: UnsafeRawBufferPointer, to output: inout [UInt8], ifBelow limit: Int
  ) throws(CodecError) -> Bool {
    let start = output.count
    let room = ZSTD_compressBound(content.count)
    output.append(contentsOf: repeatElement(0, count: room))
    let size = unsafe output.withUnsafeMutableBytes { target in
      unsafe ZSTD_compress2(
        compressor, target.baseAddress! + start, room, content.baseAddress, content.count)
    }
    let fits = ZSTD_isError(size) == 0 && size < limit
    output.removeLast(room - (fits ? size : 0))
    try Self.check(size, "a KV frame cannot be compressed")
    return fits
  }

  /// Fills `content` from a zstd frame that must hold exactly as many bytes.
  func decompress(
    _ bytes: RawSpan, into content: UnsafeMutableRawBufferPointer
  ) throws(CodecError) {
    let (claimed, size) = unsafe bytes.withUnsafeBytes { source in
      unsafe (
        ZSTD_getFrameContentSize(source.baseAddress, source.count),
        ZSTD_decompressDCtx(
          decompressor, content.baseAddress, content.count, source.baseAddress, source.count)
      )
    }
    try Self.check(size, "a section of a KV frame is damaged")
    guard size == content.count, claimed == UInt64(size) else {
      throw CodecError(
        "a section of a KV frame holds \(size) bytes where its shape needs "
          + "\(content.count); the frame is damaged or of another model.")
    }
  }

  private static func check(_ code: Int, _ what: String) throws(CodecError) {
    guard ZSTD_isError(code) == 0 else {
      throw CodecError("\(what): zstd says \"\(unsafe String(cString: ZSTD_getErrorName(code)))\".")
    }
  }
}
