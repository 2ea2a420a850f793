/// What a block is: 128 bits of a digest of everything that its bytes depend on. Equal identities
/// mean equal bytes.
package struct BlockIdentity: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

extension BlockIdentity: CustomStringConvertible {
  /// 32 hexadecimal digits.
  package var description: String { Self.digits(high) + Self.digits(low) }

  private static func digits(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// One frame of a block: what one layer keeps of it.
package struct FrameKey: Hashable, Sendable {
  package let block: BlockIdentity
  package let frame: UInt16

  package init(block: BlockIdentity, frame: UInt16) {
    self.block = block
    self.frame = frame
  }
}
