/// The 256 characters by which byte-level vocabularies spell bytes, so that each token is text
/// without spaces or control codes.
///
/// Printable Latin-1 stands for itself; the other 68 bytes become U+0100 and up, in order: a space
/// is `Ġ`, a line feed `Ċ`. Source: `bytes_to_unicode` of GPT-2 (Radford et al., 2019).
enum ByteAlphabet {
  /// The character of each byte; all are below U+0144, so two UTF-8 bytes spell it.
  static let scalars: [UInt16] = {
    var next: UInt16 = 0x100
    return (0..<256 as Range<UInt16>).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  /// The byte of each character below U+0144; -1 where the character is not in the alphabet.
  static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
    return bytes
  }()

  /// Appends the spelling of `byte` in UTF-8.
  static func append(_ byte: UInt8, to out: inout [UInt8]) {
    let scalar = scalars[Int(byte)]
    if scalar < 0x80 {
      out.append(UInt8(scalar))
    } else {
      out.append(0xC0 | UInt8(scalar >> 6))
      out.append(0x80 | UInt8(scalar & 0x3F))
    }
  }

  /// Appends the bytes that `spelling` stands for; characters outside the alphabet stay as they
  /// are.
  static func appendBytes(of spelling: Span<UInt8>, to out: inout [UInt8]) {
    var i = 0
    while i < spelling.count {
      let first = spelling[i]
      // U+0080 to U+07FF, where all the alphabet beyond ASCII lies.
      if first & 0xE0 == 0xC0, i + 1 < spelling.count, spelling[i + 1] & 0xC0 == 0x80 {
        let second = spelling[i + 1]
        let scalar = Int(first & 0x1F) << 6 | Int(second & 0x3F)
        if scalar < bytes.count, bytes[scalar] >= 0 {
          out.append(UInt8(bytes[scalar]))
        } else {
          out.append(first)
          out.append(second)
        }
        i += 2
      } else {
        out.append(first)
        i += 1
      }
    }
  }
}
