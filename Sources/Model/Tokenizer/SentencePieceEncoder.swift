/// SentencePiece's byte pair encoding (Kudo, Richardson: SentencePiece, 2018): the whole text is
/// one piece, its characters are joined to whatever token scores best, and characters that are no
/// token fall back to bytes.
struct SentencePieceEncoder: Sendable {
  /// The order in which tokens are joined, best score first; `UInt32.max` for those that text does
  /// not spell.
  private let ranks: [UInt32]

  /// The token of each byte; -1 where the vocabulary lacks it.
  private let byteTokens: [TokenID]

  /// Whether no token has a space behind something else: then nothing is joined across such a
  /// place, and text can be cut there. Heaps of words are small: prose takes a quarter of the time.
  private let wordsStandAlone: Bool

  /// U+2581, which stands for a space in spellings.
  private static let escapedSpace: [UInt8] = [0xE2, 0x96, 0x81]

  init(vocabulary: Vocabulary, scores: [Float]) {
    let ranks = scores.indices.map { token -> UInt32 in
      let kind = vocabulary.kinds[token]
      guard kind == .normal || kind == .userDefined || kind == .unused else { return .max }
      return Self.rank(scores[token])
    }
    self.ranks = ranks
    wordsStandAlone = !ranks.indices.contains { token in
      ranks[token] != .max
        && vocabulary.withSpelling(of: TokenID(token)) { spelling in
          spelling.indices.contains { Self.isWordStart($0, in: spelling) }
        }
    }
    byteTokens = (0...255 as ClosedRange<UInt8>).map { byte in
      let digits = Array("0123456789ABCDEF".utf8)
      let spelling =
        Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
      return vocabulary.token(spelled: spelling) ?? vocabulary.token(spelled: [byte]) ?? -1
    }
  }

  /// A number that is the lower, the higher the score. (Floats order like their bits, once the
  /// sign is turned.)
  private static func rank(_ score: Float) -> UInt32 {
    // The sum makes -0 into 0, which is the same score.
    let bits = (score + 0).bitPattern
    let ascending = bits >> 31 == 0 ? bits | 1 << 31 : ~bits
    return min(~ascending, .max - 1)
  }

  /// Memory for one text after another.
  struct Scratch {
    fileprivate var text: [UInt8] = []
    var merger = SymbolMerger()
  }

  /// Appends the tokens of `text`, with a space before it if asked. A byte that the vocabulary
  /// lacks becomes `unknown`, or nothing where there is no such token.
  func encode(
    _ text: Span<UInt8>, spaceBefore: Bool, vocabulary: Vocabulary,
    unknown: TokenID?, _ scratch: inout Scratch, into tokens: inout [TokenID]
  ) {
    // Out of the structure, so that the merger may be changed while this is read.
    var escaped: [UInt8] = []
    swap(&escaped, &scratch.text)
    escaped.removeAll(keepingCapacity: true)
    if spaceBefore { escaped += Self.escapedSpace }
    for i in text.indices {
      if text[i] == 0x20 { escaped += Self.escapedSpace } else { escaped.append(text[i]) }
    }
    mergeWords(escaped.span, vocabulary, unknown, &scratch.merger, into: &tokens)
    swap(&escaped, &scratch.text)
  }

  /// Cuts the text into words where that changes nothing, and joins each.
  private func mergeWords(
    _ text: Span<UInt8>, _ vocabulary: Vocabulary, _ unknown: TokenID?,
    _ merger: inout SymbolMerger, into tokens: inout [TokenID]
  ) {
    var start = 0
    if wordsStandAlone {
      for end in text.indices where Self.isWordStart(end, in: text) {
        merge(text.extracting(start..<end), vocabulary, unknown, &merger, into: &tokens)
        start = end
      }
    }
    merge(text.extracting(start...), vocabulary, unknown, &merger, into: &tokens)
  }

  /// Whether an escaped space begins at `i`, with something else before it.
  private static func isWordStart(_ i: Int, in text: Span<UInt8>) -> Bool {
    func isSpace(at i: Int) -> Bool {
      text[i] == 0xE2 && i + 2 < text.count && text[i + 1] == 0x96 && text[i + 2] == 0x81
    }
    return i > 0 && isSpace(at: i) && (i < 3 || !isSpace(at: i - 3))
  }

  private func merge(
    _ text: Span<UInt8>, _ vocabulary: Vocabulary, _ unknown: TokenID?,
    _ merger: inout SymbolMerger, into tokens: inout [TokenID]
  ) {
    merger.begin(text)
    var i = 0
    var left = -1
    while i < text.count {
      let longest =
        switch text[i] {
        case 0xF0...: 4
        case 0xE0...: 3
        case 0xC0...: 2
        default: 1
        }
      // A character that is cut short must not swallow what comes next.
      var end = i + 1
      while end < min(i + longest, text.count), text[end] & 0xC0 == 0x80 { end += 1 }
      merger.place(
        spelled(text.extracting(i..<end), vocabulary) ?? -1, at: i, byteCount: end - i, after: left)
      left = i
      i = end
    }
    merger.merge(text, ScoreRules(encoder: self, vocabulary: vocabulary))
    merger.forEachSymbol { token, range in
      if token >= 0 {
        tokens.append(token)
      } else {
        for i in range {
          let byteToken = byteTokens[Int(text[i])]
          if let token = byteToken >= 0 ? byteToken : unknown { tokens.append(token) }
        }
      }
    }
  }

  /// The token that text may spell so.
  private func spelled(
    _ spelling: Span<UInt8>, _ vocabulary: Vocabulary
  ) -> TokenID? {
    guard let token = vocabulary.token(spelled: spelling), ranks[Int(token)] != .max
    else { return nil }
    return token
  }

  private struct ScoreRules: MergeRules {
    let encoder: SentencePieceEncoder
    let vocabulary: Vocabulary

    func merge(
      _ left: TokenID, _ right: TokenID, spelled range: Range<Int>, of text: Span<UInt8>
    ) -> PairTable.Value? {
      guard range.count <= vocabulary.longest,
        let token = encoder.spelled(text.extracting(range), vocabulary)
      else { return nil }
      return .init(rank: encoder.ranks[Int(token)], id: token)
    }
  }
}
