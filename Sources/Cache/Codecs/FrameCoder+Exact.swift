internal import CKernels

/// The lossless form: the numbers in byte planes, the highest first, each plane of the keys and of the
/// values a section.
///
/// The highest plane holds signs and exponents. A channel of the keys has its own size and often one
/// sign, and its numbers lie together: relative to the channel's largest they are alike, and all
/// channels share one code. Planes of low mantissa bits are noise but for tokens that recur.
extension FrameCoder {
  func encodeExact(
    _ frame: UnsafePointer<UInt8>, into output: inout [UInt8]
  ) throws(CodecError) {
    let highest = shape.elementBytes - 1
    let split = unsafe shape.elementBytes == 2 ? kernels.pointee.split2! : kernels.pointee.split4!
    let references = unsafe scratch + shape.byteCount
    let rows = shape.heads * shape.dimension
    var count = shape.keyCount
    unsafe split(frame, count, scratch)
    unsafe kernels.pointee.center(rows, shape.tokens, scratch + highest * count, references)
    try unsafe appendSection(references, rows, to: &output)
    for plane in (0...highest).reversed() {
      try unsafe appendSection(scratch + plane * count, count, to: &output)
    }
    count = shape.valueCount
    unsafe split(frame + shape.keyCount * shape.elementBytes, count, scratch)
    for plane in (0...highest).reversed() {
      try unsafe appendSection(scratch + plane * count, count, to: &output)
    }
  }

  func decodeExact(
    _ bytes: RawSpan, into frame: UnsafeMutablePointer<UInt8>
  ) throws(CodecError) {
    let highest = shape.elementBytes - 1
    let join = unsafe shape.elementBytes == 2 ? kernels.pointee.join2! : kernels.pointee.join4!
    let references = unsafe scratch + shape.byteCount
    let rows = shape.heads * shape.dimension
    var reader = SectionReader(bytes)
    var count = shape.keyCount
    try unsafe readSection(&reader, into: references, rows)
    for plane in (0...highest).reversed() {
      try unsafe readSection(&reader, into: scratch + plane * count, count)
    }
    unsafe kernels.pointee.restore(rows, shape.tokens, references, scratch + highest * count)
    unsafe join(scratch, count, frame)
    count = shape.valueCount
    for plane in (0...highest).reversed() {
      try unsafe readSection(&reader, into: scratch + plane * count, count)
    }
    try reader.expectEnd()
    unsafe join(scratch, count, frame + shape.keyCount * shape.elementBytes)
  }
}
