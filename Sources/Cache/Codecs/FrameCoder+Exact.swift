internal import CKernels

/// The lossless form: byte planes, the one with the exponents first, each a section.
///
/// Channels lie one after another in a frame's keys, so neighbours in the exponents' plane belong to
/// one channel and are alike; planes of low mantissa bits are noise, which `Sections` leaves as is.
extension FrameCoder {
  func encodeExact(
    _ frame: UnsafePointer<UInt8>, into output: inout [UInt8]
  ) throws(CodecError) {
    let count = shape.keyCount + shape.valueCount
    let split = unsafe shape.elementBytes == 2 ? kernels.pointee.split2! : kernels.pointee.split4!
    unsafe split(frame, count, scratch)
    for plane in (0..<shape.elementBytes).reversed() {
      try unsafe appendSection(scratch + plane * count, count, to: &output)
    }
  }

  func decodeExact(
    _ bytes: RawSpan, into frame: UnsafeMutablePointer<UInt8>
  ) throws(CodecError) {
    let count = shape.keyCount + shape.valueCount
    var reader = SectionReader(bytes)
    for plane in (0..<shape.elementBytes).reversed() {
      try unsafe readSection(&reader, into: scratch + plane * count, count)
    }
    try reader.expectEnd()
    let join = unsafe shape.elementBytes == 2 ? kernels.pointee.join2! : kernels.pointee.join4!
    unsafe join(scratch, count, frame)
  }
}
