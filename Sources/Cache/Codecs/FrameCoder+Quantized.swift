internal import CKernels

/// The lossy forms: keys scaled for each channel, with a zero point; values for each token, without
/// (KIVI, Liu et al. 2024, arXiv:2402.02750, has zero points in both). A number becomes a byte that
/// uses only part of its range, and zstd's Huffman coder packs those bytes: that needs fewer bits than
/// packing them side by side, because most lie in the middle of their range, and lets the numbers of
/// levels be chosen freely.
///
/// Sections: high and low bytes of the f16 parameters (keys' scales, keys' zeros, values' scales),
/// key symbols [heads][dimension][tokens], value symbols [heads][tokens][dimension].
extension FrameCoder {
  func encodeQuantized(
    _ frame: UnsafePointer<UInt8>, _ layout: QuantizedLayout, into output: inout [UInt8]
  ) throws(CodecError) {
    let parts = unsafe Parts(layout, in: scratch)
    let valuesStart = shape.keyCount * shape.elementBytes
    unsafe withUnsafePointer(to: layout.keys) { keys in
      unsafe kernels.pointee.quantize(keys, frame, parts.parameters, parts.keySymbols)
    }
    unsafe withUnsafePointer(to: layout.values) { values in
      unsafe kernels.pointee.quantize(
        values, frame + valuesStart, parts.parameters + layout.keyParameters, parts.valueSymbols)
    }
    let count = layout.parameters
    unsafe kernels.pointee.split2(parts.parameterBytes, count, parts.planes)
    try unsafe appendSection(parts.planes + count, count, to: &output)
    try unsafe appendSection(parts.planes, count, to: &output)
    try unsafe appendSection(parts.keySymbols, layout.keySymbols, to: &output)
    try unsafe appendSection(parts.valueSymbols, layout.valueSymbols, to: &output)
  }

  func decodeQuantized(
    _ bytes: RawSpan, _ layout: QuantizedLayout, into frame: UnsafeMutablePointer<UInt8>
  ) throws(CodecError) {
    let parts = unsafe Parts(layout, in: scratch)
    let count = layout.parameters
    var reader = SectionReader(bytes)
    try unsafe readSection(&reader, into: parts.planes + count, count)
    try unsafe readSection(&reader, into: parts.planes, count)
    try unsafe readSection(&reader, into: parts.keySymbols, layout.keySymbols)
    try unsafe readSection(&reader, into: parts.valueSymbols, layout.valueSymbols)
    try reader.expectEnd()
    unsafe kernels.pointee.join2(parts.planes, count, parts.parameterBytes)
    let valuesStart = shape.keyCount * shape.elementBytes
    unsafe withUnsafePointer(to: layout.keys) { keys in
      unsafe kernels.pointee.dequantize(keys, parts.parameters, parts.keySymbols, frame)
    }
    unsafe withUnsafePointer(to: layout.values) { values in
      unsafe kernels.pointee.dequantize(
        values, parts.parameters + layout.keyParameters, parts.valueSymbols, frame + valuesStart)
    }
  }

  /// The pieces of a quantized frame in the scratch.
  @unsafe
  private struct Parts {
    let parameterBytes: UnsafeMutablePointer<UInt8>
    let parameters: UnsafeMutablePointer<UInt16>
    let planes: UnsafeMutablePointer<UInt8>
    let keySymbols: UnsafeMutablePointer<UInt8>
    let valueSymbols: UnsafeMutablePointer<UInt8>

    init(_ layout: QuantizedLayout, in scratch: UnsafeMutablePointer<UInt8>) {
      unsafe parameterBytes = scratch
      unsafe parameters = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: UInt16.self)
      unsafe planes = parameterBytes + 2 * layout.parameters
      unsafe keySymbols = planes + 2 * layout.parameters
      unsafe valueSymbols = keySymbols + layout.keySymbols
    }
  }
}
