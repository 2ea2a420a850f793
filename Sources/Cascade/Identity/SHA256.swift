/// The Secure Hash Algorithm with 256 bits (FIPS 180-4), for identities that nobody can make collide
/// on purpose. A few kilobytes at a time: a library would cost more than it saves.
package struct SHA256 {
  private static let constants: [64 of UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]

  private var state: [8 of UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  private var buffer: [64 of UInt8] = .init(repeating: 0)
  private var byteCount = 0

  package init() {}

  package mutating func update(_ byte: UInt8) {
    buffer[byteCount % 64] = byte
    byteCount += 1
    if byteCount % 64 == 0 { compress() }
  }

  package mutating func update(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { update(byte) }
  }

  /// The number's bytes, least first.
  package mutating func update(_ number: some FixedWidthInteger) {
    for byte in 0..<number.bitWidth / 8 {
      update(UInt8(truncatingIfNeeded: number >> (byte * 8)))
    }
  }

  /// A text, with its length, so that two texts never run together.
  package mutating func update(text: String) {
    update(UInt64(text.utf8.count))
    update(text.utf8)
  }

  /// The digest, as eight big-endian words.
  package consuming func finish() -> [8 of UInt32] {
    let bits = UInt64(byteCount) * 8
    update(UInt8(0x80))
    while byteCount % 64 != 56 { update(UInt8(0)) }
    for shift in stride(from: 56, through: 0, by: -8) {
      update(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    return state
  }

  private mutating func compress() {
    var w: [64 of UInt32] = .init(repeating: 0)
    for i in 0..<16 {
      w[i] =
        UInt32(buffer[4 * i]) << 24 | UInt32(buffer[4 * i + 1]) << 16
        | UInt32(buffer[4 * i + 2]) << 8 | UInt32(buffer[4 * i + 3])
    }
    for i in 16..<64 {
      let s0 = Self.turn(w[i - 15], 7) ^ Self.turn(w[i - 15], 18) ^ (w[i - 15] >> 3)
      let s1 = Self.turn(w[i - 2], 17) ^ Self.turn(w[i - 2], 19) ^ (w[i - 2] >> 10)
      w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
    }
    var v = state
    for i in 0..<64 {
      let s1 = Self.turn(v[4], 6) ^ Self.turn(v[4], 11) ^ Self.turn(v[4], 25)
      let choice = (v[4] & v[5]) ^ (~v[4] & v[6])
      let t1 = v[7] &+ s1 &+ choice &+ Self.constants[i] &+ w[i]
      let s0 = Self.turn(v[0], 2) ^ Self.turn(v[0], 13) ^ Self.turn(v[0], 22)
      let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
      for j in stride(from: 7, through: 1, by: -1) { v[j] = v[j - 1] }
      v[4] = v[4] &+ t1
      v[0] = t1 &+ s0 &+ majority
    }
    for i in 0..<8 { state[i] = state[i] &+ v[i] }
  }

  private static func turn(_ x: UInt32, _ by: UInt32) -> UInt32 { x >> by | x << (32 - by) }
}
