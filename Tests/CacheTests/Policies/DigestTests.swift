import Cache
import TestSupport
import Testing

@Suite("Digests of keys")
struct DigestTests {
  @Test("Keys that differ in one bit have digests that differ in about half")
  func mixing() {
    for key: UInt64 in [0, 1, 12345, .max] {
      for bit in 0..<64 {
        let changed = (key.digest ^ (key ^ 1 << UInt64(bit)).digest).nonzeroBitCount
        #expect((14...50).contains(changed), "key \(key), bit \(bit)")
      }
    }
  }

  @Test("Frames of one block have digests of their own")
  func frames() {
    let block = BlockIdentity(high: 1, low: 2)
    let digests = Set((0..<1000 as Range<UInt16>).map { FrameKey(block: block, frame: $0).digest })
    #expect(digests.count == 1000)
  }
}
