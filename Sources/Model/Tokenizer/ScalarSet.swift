/// A set of Unicode scalars as patterns write them between brackets: classes, or ranges, or both.
struct ScalarSet: Sendable {
  private var classBits: UInt32
  /// Ascending.
  private var ranges: [ClosedRange<UInt32>]

  init(_ classes: ScalarClass..., ranges: [ClosedRange<UInt32>] = []) {
    classBits = classes.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
    self.ranges = ranges
  }

  private init(classBits: UInt32, ranges: [ClosedRange<UInt32>]) {
    self.classBits = classBits
    self.ranges = ranges
  }

  func contains(_ scalar: ClassifiedScalar) -> Bool {
    classBits & scalar.classBit != 0 || (!ranges.isEmpty && isInRange(scalar.value))
  }

  private func isInRange(_ value: UInt32) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= value
  }

  /// The union of two sets, of which at most one has ranges.
  static func + (a: ScalarSet, b: ScalarSet) -> ScalarSet {
    precondition(a.ranges.isEmpty || b.ranges.isEmpty, "ranges would have to be merged")
    return ScalarSet(classBits: a.classBits | b.classBits, ranges: a.ranges + b.ranges)
  }

  /// All scalars that are not in this set, which has no ranges.
  var inverted: ScalarSet {
    precondition(ranges.isEmpty, "a set with ranges cannot be inverted")
    return ScalarSet(classBits: ~classBits, ranges: [])
  }
}

extension ScalarSet {
  /// `\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}`
  static let upper = ScalarSet(
    .asciiUppercase, .uppercase, .titlecase, .modifierLetter, .otherLetter, .mark)
  /// `\p{Ll}\p{Lm}\p{Lo}\p{M}`
  static let lower = ScalarSet(.asciiLowercase, .lowercase, .modifierLetter, .otherLetter, .mark)
  static let asciiLetters = ScalarSet(.asciiUppercase, .asciiLowercase)
  /// `\p{L}`
  static let letters =
    asciiLetters
    + ScalarSet(.uppercase, .lowercase, .titlecase, .modifierLetter, .otherLetter)
  /// `\p{M}`
  static let marks = ScalarSet(.mark)
  static let asciiDigits = ScalarSet(.asciiDigit)
  /// `\p{N}`
  static let numbers = ScalarSet(.asciiDigit, .number)
  /// `\p{P}`
  static let punctuation = ScalarSet(.asciiPunctuation, .apostrophe, .slash, .punctuation)
  static let asciiSymbols = ScalarSet(.asciiSymbol, .backtick)
  /// `\p{S}`
  static let symbols = asciiSymbols + ScalarSet(.symbol)
  /// ASCII that is printed and is neither letter, digit nor space.
  static let asciiMarks = ScalarSet(.asciiPunctuation, .apostrophe, .slash) + asciiSymbols
  static let space = ScalarSet(.space)
  /// `\r\n`
  static let newlines = ScalarSet(.newline)
  static let newlinesAndSlash = ScalarSet(.newline, .slash)
  /// `\s`
  static let whitespace = ScalarSet(.space, .newline, .whitespace)

  /// `[一-龥ࠀ-一가-퟿]` of DeepSeek Coder and DeepSeek LLM.
  static let deepSeekIdeographs = ScalarSet(ranges: [0x0800...0x9FA5, 0xAC00...0xD7FF])

  /// `[一-龥぀-ゟ゠-ヿ]` of DeepSeek V3.
  static let deepSeekV3Ideographs = ScalarSet(ranges: [0x3040...0x30FF, 0x4E00...0x9FA5])

  /// `[!-/:-~！-／：-～‘-‟　-。]` of DeepSeek LLM; the second range does hold ASCII's letters.
  static let deepSeekMarks = ScalarSet(ranges: [
    0x21...0x2F, 0x3A...0x7E, 0x2018...0x201F, 0x3000...0x3002, 0xFF01...0xFF0F, 0xFF1A...0xFF5E,
  ])

  /// The letters with case that DeepSeek LLM's pattern lists one by one.
  static let deepSeekLetters = ScalarSet(ranges: [
    0x0041...0x005A, 0x0061...0x007A, 0x00B5...0x00B5, 0x00C0...0x00D6, 0x00D8...0x00F6,
    0x00F8...0x01BA, 0x01BC...0x01BF, 0x01C4...0x0293, 0x0295...0x02AF, 0x0370...0x0373,
    0x0376...0x0377, 0x037B...0x037D, 0x037F...0x037F, 0x0386...0x0386, 0x0388...0x038A,
    0x038C...0x038C, 0x038E...0x03A1, 0x03A3...0x03F5, 0x03F7...0x0481, 0x048A...0x052F,
    0x0531...0x0556, 0x10A0...0x10C5, 0x13A0...0x13F5, 0x13F8...0x13FD, 0x1C90...0x1CBA,
    0x1CBD...0x1CBF, 0x1D00...0x1D2B, 0x1D6B...0x1D77, 0x1D79...0x1D9A, 0x1E00...0x1F15,
    0x1F18...0x1F1D, 0x1F20...0x1F45, 0x1F48...0x1F4D, 0x1F50...0x1F57, 0x1F59...0x1F59,
    0x1F5B...0x1F5B, 0x1F5D...0x1F5D, 0x1F5F...0x1F7D, 0x1F80...0x1FB4, 0x1FB6...0x1FBC,
    0x1FBE...0x1FBE, 0x1FC2...0x1FC4, 0x1FC6...0x1FCC, 0x1FD0...0x1FD3, 0x1FD6...0x1FDB,
    0x1FE0...0x1FEC, 0x1FF2...0x1FF4, 0x1FF6...0x1FFC, 0x2102...0x2102, 0x2107...0x2107,
    0x210A...0x2113, 0x2115...0x2115, 0x2119...0x211D, 0x2124...0x2124, 0x2126...0x2126,
    0x2128...0x2128, 0x212A...0x212D, 0x212F...0x2134, 0x2139...0x2139, 0x213C...0x213F,
    0x2145...0x2149, 0x214E...0x214E, 0x2183...0x2184, 0x2C00...0x2C7B, 0x2C7E...0x2CE4,
    0x2CEB...0x2CEE, 0x2CF2...0x2CF3, 0xA640...0xA66D, 0xA680...0xA69B, 0xA722...0xA76F,
    0xA771...0xA787, 0xA78B...0xA78E, 0xAB70...0xABBF, 0xFB00...0xFB06, 0xFB13...0xFB17,
    0xFF21...0xFF3A, 0xFF41...0xFF5A, 0x10400...0x1044F, 0x104B0...0x104D3, 0x104D8...0x104FB,
    0x10C80...0x10CB2, 0x10CC0...0x10CF2, 0x118A0...0x118DF, 0x1E900...0x1E943,
  ])
}
