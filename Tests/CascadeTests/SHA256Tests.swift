import Cascade
import TestSupport
import Testing

/// The digests are those of FIPS 180-4's examples and of Python's hashlib.
@Suite("SHA-256")
struct SHA256Tests {
  private func bytes(_ words: [8 of UInt32]) -> [UInt8] {
    words.indices.flatMap { index in
      stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: words[index] >> $0) }
    }
  }

  private func hexadecimal(_ hash: consuming SHA256) -> String {
    bytes(hash.finish()).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }

  private func digest(_ message: some Sequence<UInt8>) -> String {
    var hash = SHA256()
    hash.update(message)
    return hexadecimal(hash)
  }

  @Test(
    "The standard's messages have the standard's digests",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func vectors(message: String, expected: String) {
    #expect(digest(message.utf8) == expected)
  }

  @Test("A million letters have the standard's digest")
  func million() {
    #expect(
      digest(repeatElement(UInt8(ascii: "a"), count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test(
    "Messages that end near a block's end are padded right",
    arguments: [
      (55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
      (56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"),
      (63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"),
      (64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
      (65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0"),
    ])
  func padding(length: Int, expected: String) {
    #expect(digest(repeatElement(UInt8(ascii: "a"), count: length)) == expected)
  }

  @Test("Every length up to 300 bytes has the reference's digest")
  func lengths() {
    var all = SHA256()
    for length in 0...300 {
      var hash = SHA256()
      hash.update((0..<length).map { UInt8(($0 * 7 + length) % 256) })
      all.update(bytes(hash.finish()))
    }
    #expect(
      hexadecimal(all) == "60d63ff40b5558727a9b786ac0be9300f7ca58fd9ddd3b2f3681b369018a87dc")
  }

  @Test("A message in pieces has the digest of the whole", arguments: 0..<20 as Range<UInt64>)
  func pieces(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let message = (0..<random.count(0...400)).map { _ in UInt8.random(in: 0...255, using: &random) }
    var hash = SHA256()
    var rest = message[...]
    while !rest.isEmpty {
      let piece = rest.prefix(random.count(0...90))
      hash.update(piece)
      rest = rest.dropFirst(piece.count)
    }
    #expect(hexadecimal(hash) == digest(message))
  }

  @Test("Numbers count as their bytes, least first, and texts with their length before them")
  func numbersAndTexts() {
    var hash = SHA256()
    hash.update(UInt32(0x0403_0201))
    hash.update(Int64(-2))
    hash.update(text: "é")
    #expect(
      hexadecimal(hash)
        == digest([
          1, 2, 3, 4, 0xfe, 255, 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0xa9,
        ]))
  }
}
