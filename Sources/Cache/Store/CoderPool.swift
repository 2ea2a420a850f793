/// Coders for whoever needs one: a coder serves one thread at a time.
final class CoderPool: Sendable {
  private let shape: FrameShape
  private let idle = StoreLock<[FrameCoder]>([])

  /// Makes the first coder, so that a shape or a processor it cannot serve is known at once.
  init(shape: FrameShape) throws(CodecError) {
    self.shape = shape
    let first = try FrameCoder(shape: shape)
    idle.withLock { $0.append(first) }
  }

  func withCoder<R>(_ body: (FrameCoder) throws(CodecError) -> R) throws(CodecError) -> R {
    let coder: FrameCoder
    if let first = idle.withLock({ $0.popLast() }) {
      coder = first
    } else {
      coder = try FrameCoder(shape: shape)
    }
    defer { idle.withLock { $0.append(coder) } }
    return try body(coder)
  }
}
