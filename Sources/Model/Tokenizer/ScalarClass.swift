/// What the patterns of pre-tokenizers tell apart: each Unicode scalar has exactly one class.
///
/// ASCII is divided more finely, since patterns name its characters singly.
enum ScalarClass: UInt8, CaseIterable {
  // Beyond ASCII, by Unicode's general category: Lu, Ll, Lt, Lm, Lo, M, N, P, S.
  case uppercase, lowercase, titlecase, modifierLetter, otherLetter, mark, number, punctuation
  case symbol
  /// What has the property White_Space, but for space, CR and LF.
  case whitespace
  /// Control codes, formats, unassigned scalars, separators that are not white space.
  case other
  case space, newline, asciiUppercase, asciiLowercase, asciiDigit
  // ASCII of the categories P and S.
  case asciiPunctuation, apostrophe, slash, asciiSymbol, backtick

  init(_ scalar: Unicode.Scalar) {
    switch scalar {
    case " ": self = .space
    case "\r", "\n": self = .newline
    case "'": self = .apostrophe
    case "/": self = .slash
    case "`": self = .backtick
    case "0"..."9": self = .asciiDigit
    case "A"..."Z": self = .asciiUppercase
    case "a"..."z": self = .asciiLowercase
    default: self.init(category: scalar)
    }
  }

  private init(category scalar: Unicode.Scalar) {
    let properties = scalar.properties
    guard !properties.isWhitespace else {
      self = .whitespace
      return
    }
    switch properties.generalCategory {
    case .uppercaseLetter: self = .uppercase
    case .lowercaseLetter: self = .lowercase
    case .titlecaseLetter: self = .titlecase
    case .modifierLetter: self = .modifierLetter
    case .otherLetter: self = .otherLetter
    case .nonspacingMark, .spacingMark, .enclosingMark: self = .mark
    case .decimalNumber, .letterNumber, .otherNumber: self = .number
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      self = scalar.isASCII ? .asciiPunctuation : .punctuation
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
      self = scalar.isASCII ? .asciiSymbol : .symbol
    default: self = .other
    }
  }

  /// The classes of the basic multilingual plane, by raw value: asking Unicode's properties takes
  /// ten times as long. Surrogates, which are no scalars, are `other`.
  static let basicPlane: [UInt8] = (0..<0x10000 as Range<UInt32>).map { code in
    Unicode.Scalar(code).map { ScalarClass($0).rawValue } ?? ScalarClass.other.rawValue
  }
}

/// A scalar, its class and its length in UTF-8, packed for scanning text.
struct ClassifiedScalar {
  /// The scalar in the lower 21 bits, its UTF-8 length less one above, then its class.
  private var bits: UInt32

  init(_ value: UInt32, class scalarClass: UInt8, byteCount: Int) {
    bits = value | UInt32(byteCount - 1) << 21 | UInt32(scalarClass) << 24
  }

  var value: UInt32 { bits & 0x1F_FFFF }
  var byteCount: Int { Int(bits >> 21 & 3) + 1 }
  /// The bit of the class in a `ScalarSet`.
  var classBit: UInt32 { 1 << (bits >> 24) }
}

extension ClassifiedScalar {
  /// Replaces `scalars` by those of `text`. Each byte that is not part of valid UTF-8 counts as
  /// U+FFFD, a symbol one byte long.
  static func classify(
    _ text: Span<UInt8>, into scalars: inout [ClassifiedScalar]
  ) {
    let classes = ScalarClass.basicPlane
    scalars.removeAll(keepingCapacity: true)
    scalars.reserveCapacity(text.count)
    var i = 0
    while i < text.count {
      let first = text[i]
      if first < 0x80 {
        scalars.append(.init(UInt32(first), class: classes[Int(first)], byteCount: 1))
        i += 1
      } else if let (value, byteCount) = decode(text, at: i) {
        let scalarClass =
          value < 0x10000
          ? classes[Int(value)] : ScalarClass(Unicode.Scalar(value)!).rawValue
        scalars.append(.init(value, class: scalarClass, byteCount: byteCount))
        i += byteCount
      } else {
        scalars.append(.init(0xFFFD, class: ScalarClass.symbol.rawValue, byteCount: 1))
        i += 1
      }
    }
  }

  /// The scalar of two to four bytes at `i`, or nil where the bytes are not valid UTF-8.
  private static func decode(
    _ text: Span<UInt8>, at i: Int
  ) -> (value: UInt32, byteCount: Int)? {
    let first = UInt32(text[i])
    let byteCount =
      switch first {
      case 0xC2...0xDF: 2
      case 0xE0...0xEF: 3
      case 0xF0...0xF4: 4
      default: 0
      }
    guard byteCount > 0, i + byteCount <= text.count else { return nil }
    var value = first & (0x7F >> UInt32(byteCount))
    for k in 1..<byteCount {
      let next = UInt32(text[i + k])
      guard next & 0xC0 == 0x80 else { return nil }
      value = value << 6 | next & 0x3F
    }
    // Longer than needed, a surrogate, or beyond Unicode.
    let least: UInt32 = byteCount == 2 ? 0x80 : byteCount == 3 ? 0x800 : 0x10000
    guard value >= least, Unicode.Scalar(value) != nil else { return nil }
    return (value, byteCount)
  }
}
