/// Byte-level byte pair encoding: text is cut into pieces, each piece into bytes, and the bytes are
/// joined as the model's merges say.
struct BytePairEncoder: Sendable {
  /// The token of each byte; -1 where the vocabulary lacks it.
  private let byteTokens: [TokenID]
  private let merges: PairTable
  private let preTokenizer: PreTokenizer
  private let ignoresMerges: Bool

  init(
    vocabulary: Vocabulary, merges strings: GGUFStringArray, preTokenizer: NamedPreTokenizer
  ) throws(TokenizerError) {
    var spelling: [UInt8] = []
    byteTokens = (0...255 as ClosedRange<UInt8>).map { byte in
      spelling.removeAll(keepingCapacity: true)
      ByteAlphabet.append(byte, to: &spelling)
      return vocabulary.token(spelled: spelling) ?? -1
    }
    merges = try Self.merges(strings, vocabulary)
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
    var table = PairTable(capacity: strings.count)
    var both: [UInt8] = []
    var guess: TokenID = 0
    for i in 0..<strings.count {
      let isPair = strings.withBytes(of: i) { text -> Bool in
        // From the second byte on: a spelling is never empty.
        guard let space = text.indices.dropFirst().first(where: { text[$0] == 0x20 })
        else { return false }
        let leftText = text.extracting(..<space)
        let rightText = text.extracting((space + 1)...)
        guard let left = vocabulary.token(spelled: leftText),
          let right = vocabulary.token(spelled: rightText)
        else { return true }
        both.removeAll(keepingCapacity: true)
        both.append(copying: leftText)
        both.append(copying: rightText)
        if let merged = vocabulary.token(spelled: both, guess: guess) {
          guess = merged
          if vocabulary.isSpellable(merged) {
            table.insert(left, right, .init(rank: UInt32(i), id: merged))
          }
        }
        return true
      }
      guard isPair else {
        throw TokenizerError(
          "merge \(i) (tokenizer.ggml.merges) is '\(strings.text(i))', which is not two spellings "
            + "with a space between; the file is damaged or for another tokenizer.")
      }
    }
    return table
  }

  /// Memory for one text after another.
  struct Scratch {
    fileprivate var pieces = PreTokenizer.Scratch()
    fileprivate var spelling: [UInt8] = []
    var merger = SymbolMerger()
  }

  /// Appends the tokens of `text`. A byte that the vocabulary lacks becomes `unknown`, or nothing
  /// where there is no such token.
  func encode(
    _ text: Span<UInt8>, vocabulary: Vocabulary, unknown: TokenID?,
    _ scratch: inout Scratch, into tokens: inout [TokenID]
  ) {
    // Out of the structure, so that the closure may use the rest of it.
    var pieces = PreTokenizer.Scratch()
    swap(&pieces, &scratch.pieces)
    preTokenizer.forEachPiece(of: text, &pieces) { range in
      encode(
        piece: text.extracting(range), vocabulary: vocabulary, unknown: unknown, &scratch,
        into: &tokens)
    }
    swap(&pieces, &scratch.pieces)
  }

  private func encode(
    piece: Span<UInt8>, vocabulary: Vocabulary, unknown: TokenID?,
    _ scratch: inout Scratch, into tokens: inout [TokenID]
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
    scratch.merger.forEach { token, _ in
      if let token = token >= 0 ? token : unknown { tokens.append(token) }
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
