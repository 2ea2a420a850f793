import Cache
import Testing

@Suite("Block identities")
struct BlockIdentityTests {
  @Test("An identity is written as 32 hexadecimal digits")
  func description() {
    #expect(
      BlockIdentity(high: 0xab, low: .max).description
        == "00000000000000abffffffffffffffff")
  }
}
