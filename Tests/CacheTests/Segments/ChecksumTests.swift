import Cache
import Testing

@Suite("XXH64")
struct ChecksumTests {
  @Test(
    "It gives the known values",
    arguments: [
      ("", UInt64(0), UInt64(0xEF46_DB37_51D8_E999)),
      ("a", 0, 0xD24E_C4F1_A98C_6E5B),
      ("abc", 0, 0x44BC_2CF5_AD77_0999),
      ("Nobody inspects the spammish repetition", 0, 0xFBCE_A83C_8A37_8BF1),
      ("xxhash", 20_141_025, 0xB559_B98D_844E_0635),
    ])
  func knownValues(text: String, seed: UInt64, expected: UInt64) {
    #expect(Checksum.xxh64(Array(text.utf8), seed: seed) == expected)
  }

  @Test("Every bit of every length up to 80 counts")
  func everyBit() {
    for length in 1...80 {
      var bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37) }
      let whole = Checksum.xxh64(bytes)
      for bit in 0..<length * 8 {
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(Checksum.xxh64(bytes) != whole, "length \(length), bit \(bit)")
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      }
    }
  }
}
