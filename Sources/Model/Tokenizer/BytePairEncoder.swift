/// Byte-level byte pair encoding: text is cut into pieces, each piece into bytes, and the bytes are
/// joined as the model's merges say.
struct BytePairEncoder: Sendable {
  /// The token of each byte; -1 where the vocabulary lacks it.
  private let byteTokens: [TokenID]
  /// What stands for a byte that the vocabulary lacks: U+FFFD where it can be spelled, or else the
  /// unknown token, or else nothing. Mostly these are bytes that UTF-8 does not use.
  private let replacement: [TokenID]
  private let merges: PairTable
  private let preTokenizer: PreTokenizer
  private let ignoresMerges: Bool

  init(
    vocabulary: Vocabulary, unknown: TokenID?, merges strings: GGUFStringArray,
    preTokenizer: NamedPreTokenizer
  ) throws(TokenizerError) {
    var spelling: [UInt8] = []
    byteTokens = (0...255 as ClosedRange<UInt8>).map { byte in
      spelling.removeAll(keepingCapacity: true)
      ByteAlphabet.append(byte, to: &spelling)
      // DeepSeek has `ü` as a user-defined token, which is the letter and not the byte 0xFC.
      guard let token = vocabulary.token(spelled: spelling), vocabulary.isSpellable(token),
        vocabulary.kinds[Int(token)] != .userDefined || spelling == [byte]
      else { return -1 }
      return token
    }
    merges = try Self.merges(strings, vocabulary)
    replacement = Self.replacement(byteTokens, merges, unknown)
    self.preTokenizer = PreTokenizer(expressions: preTokenizer.expressions)
    ignoresMerges = preTokenizer.ignoresMerges
  }

  /// The merges, each two spellings with a space between, as pairs of tokens. Its place in the
  /// list is a merge's rank.
  ///
  /// A merge of or to something that is no token can never happen and is left out, and so is one
  /// to a control token: text must not be able to spell those.
  private static func merges(
    _ strings: GGUFStringArray, _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> PairTable {
    var pairs = PairTable.List(capacity: strings.count)
    var both: [UInt8] = []
    var lastMerged: TokenID = 0
    try strings.forEachString { (rank, text) throws(TokenizerError) in
      // From the second byte on: a spelling is never empty.
      guard let space = text.indices.dropFirst().first(where: { text[$0] == 0x20 }) else {
        throw TokenizerError(
          "merge \(rank) (tokenizer.ggml.merges) is '\(strings.text(rank))', which is not two "
            + "spellings with a space between; the file is damaged or for another tokenizer.")
      }
      let leftText = text.extracting(..<space)
      let rightText = text.extracting((space + 1)...)
      guard let left = vocabulary.token(spelled: leftText),
        let right = vocabulary.token(spelled: rightText)
      else { return }

      // Merges mostly make tokens one after another, or one token several times.
      var merged: TokenID?
      for guess in lastMerged...lastMerged + 1 where Int(guess) < vocabulary.count {
        if vocabulary.isSpelled(guess, leftText, rightText) { merged = guess }
      }
      if merged == nil {
        both.removeAll(keepingCapacity: true)
        both.append(copying: leftText)
        both.append(copying: rightText)
        merged = vocabulary.token(spelled: both)
      }
      guard let merged else { return }
      lastMerged = merged
      if vocabulary.isSpellable(merged) {
        pairs.append(left, right, .init(rank: UInt32(rank), id: merged))
      }
    }
    return PairTable(pairs)
  }

  private static func replacement(
    _ byteTokens: [TokenID], _ merges: PairTable, _ unknown: TokenID?
  ) -> [TokenID] {
    let bytes: [UInt8] = [0xEF, 0xBF, 0xBD]
    guard bytes.allSatisfy({ byteTokens[Int($0)] >= 0 }) else { return unknown.map { [$0] } ?? [] }
    var merger = SymbolMerger()
    merger.begin(bytes.span)
    for (i, byte) in bytes.enumerated() {
      merger.place(byteTokens[Int(byte)], at: i, byteCount: 1, after: i - 1)
    }
    merger.merge(bytes.span, PairRules(merges: merges))
    var tokens: [TokenID] = []
    merger.forEachSymbol { token, _ in tokens.append(token) }
    return tokens
  }

  /// Memory for one text after another.
  struct Scratch {
    fileprivate var pieces = PreTokenizer.Scratch()
    fileprivate var spelling: [UInt8] = []
    var merger = SymbolMerger()
  }

  /// Appends the tokens of `text`.
  func encode(
    _ text: Span<UInt8>, vocabulary: Vocabulary, _ scratch: inout Scratch,
    into tokens: inout [TokenID]
  ) {
    // Out of the structure, so that the closure may use the rest of it.
    var pieces = PreTokenizer.Scratch()
    swap(&pieces, &scratch.pieces)
    preTokenizer.forEachPiece(of: text, &pieces) { range in
      encode(piece: text.extracting(range), vocabulary: vocabulary, &scratch, into: &tokens)
    }
    swap(&pieces, &scratch.pieces)
  }

  private func encode(
    piece: Span<UInt8>, vocabulary: Vocabulary, _ scratch: inout Scratch,
    into tokens: inout [TokenID]
  ) {
    if ignoresMerges, piece.count <= vocabulary.longest {
      scratch.spelling.removeAll(keepingCapacity: true)
      for i in piece.indices { ByteAlphabet.append(piece[i], to: &scratch.spelling) }
      if let token = vocabulary.token(spelled: scratch.spelling), vocabulary.isSpellable(token) {
        tokens.append(token)
        return
      }
    }
    scratch.merger.begin(piece)
    for i in 0..<piece.count {
      scratch.merger.place(
        byteTokens[Int(piece[i])], at: i, byteCount: 1, after: i - 1)
    }
    scratch.merger.merge(piece, PairRules(merges: merges))
    scratch.merger.forEachSymbol { token, _ in
      if token >= 0 { tokens.append(token) } else { tokens += replacement }
    }
  }

  private struct PairRules: MergeRules {
    let merges: PairTable

    func merge(
      _ left: TokenID, _ right: TokenID, spelled range: Range<Int>, of text: Span<UInt8>
    ) -> PairTable.Value? {
      left >= 0 && right >= 0 ? merges[left, right] : nil
    }
  }
}
