/// Text to tokens and back, as the model was trained to read it.
///
/// Made from a GGUF file's `tokenizer.ggml.*` keys: byte-level BPE (`gpt2`) with the pre-tokenizers
/// of `NamedPreTokenizer`, and SentencePiece's BPE (`llama`). It answers as llama.cpp does for the
/// same file, except that text never spells a control token unless the caller asks. A value that
/// any number of threads may use at once.
public struct Tokenizer: Sendable {
  enum Encoder: Sendable {
    case bytePair(BytePairEncoder)
    case sentencePiece(SentencePieceEncoder)
  }

  /// Tokens in the vocabulary; ids are `0..<vocabularySize`.
  public var vocabularySize: Int { vocabulary.count }

  /// Begins a text.
  public let bos: TokenID?
  /// Ends a text.
  public let eos: TokenID?
  /// Ends a turn of a conversation.
  public let endOfTurn: TokenID?
  /// Fills up batches.
  public let padding: TokenID?
  /// Stands for what the vocabulary cannot spell.
  public let unknown: TokenID?

  /// The tokens after which generation is over: `eos`, `endOfTurn`, the end of a message, and
  /// control tokens whose spelling is a known end marker such as `<|im_end|>`.
  public let endTokens: Set<TokenID>

  /// Whether `encode` puts `bos` first.
  public let addsBOS: Bool
  /// Whether `encode` puts `eos` last.
  public let addsEOS: Bool

  /// Whether the model reads a text as if a space stood before it (SentencePiece); rendering takes
  /// it away again.
  public let addsSpacePrefix: Bool

  let vocabulary: Vocabulary
  let encoder: Encoder
  let pieces: RenderedPieces
  /// User-defined tokens, which are found in all text.
  let alwaysParsed: SpecialTokenMatcher
  /// Those, control tokens and unknown tokens.
  let specials: SpecialTokenMatcher
  /// Tokens that swallow the white space behind them (Phi-3).
  let stripsSpaceAfter: Set<TokenID>

  /// The first token that another tokenizer spells differently, or that only one of them has; nil when
  /// all are the same, byte for byte.
  package func firstDifference(from other: Tokenizer) -> TokenID? {
    let common = min(vocabularySize, other.vocabularySize)
    let different = (0..<TokenID(common)).first { token in
      !other.vocabulary.withSpelling(of: token) { vocabulary.isSpelled(token, $0) }
    }
    return different ?? (vocabularySize == other.vocabularySize ? nil : TokenID(common))
  }

  // MARK: Encoding

  /// The tokens of `text`.
  ///
  /// - Parameters:
  ///   - addSpecial: Whether to add BOS and EOS where the model wants them. A BOS that the text
  ///     itself spells is not noticed: turn this off for text from a chat template.
  ///   - parseSpecial: Whether control tokens such as `<|im_end|>` are read where the text spells
  ///     them. Leave it off for text from strangers.
  /// - Complexity: O(*n* log *n*) for *n* bytes, whatever they are.
  public func encode(
    _ text: String, addSpecial: Bool = true, parseSpecial: Bool = false
  ) -> [TokenID] {
    encode(text.utf8.span, addSpecial: addSpecial, parseSpecial: parseSpecial)
  }

  /// The tokens of `text`, which need not be UTF-8. Every byte is kept, provided that the
  /// vocabulary has a token for it: byte-level ones do for all bytes that UTF-8 uses.
  public func encode(
    _ text: [UInt8], addSpecial: Bool = true, parseSpecial: Bool = false
  ) -> [TokenID] {
    encode(text.span, addSpecial: addSpecial, parseSpecial: parseSpecial)
  }

  /// The tokens of `text`, which need not be UTF-8.
  public func encode(
    _ text: Span<UInt8>, addSpecial: Bool = true, parseSpecial: Bool = false
  ) -> [TokenID] {
    var steps = 0
    return encode(text, addSpecial: addSpecial, parseSpecial: parseSpecial, steps: &steps)
  }

  /// How many steps it takes to encode `text`; tests compare how they grow with it.
  package func encodingSteps(_ text: [UInt8]) -> Int {
    var steps = 0
    _ = encode(text.span, addSpecial: false, parseSpecial: false, steps: &steps)
    return steps
  }

  private func encode(
    _ text: Span<UInt8>, addSpecial: Bool, parseSpecial: Bool, steps: inout Int
  ) -> [TokenID] {
    var tokens: [TokenID] = []
    tokens.reserveCapacity(text.count / 3 + 2)
    if addSpecial, addsBOS, let bos { tokens.append(bos) }
    switch encoder {
    case .bytePair(let encoder):
      var scratch = BytePairEncoder.Scratch()
      forEachFragment(of: text, parseSpecial: parseSpecial) { text, special in
        encoder.encode(text, vocabulary: vocabulary, &scratch, into: &tokens)
        if let special { tokens.append(special) }
      }
      steps = scratch.merger.stepCount
    case .sentencePiece(let encoder):
      var scratch = SentencePieceEncoder.Scratch()
      var isAfterSpecial = true
      forEachFragment(of: text, parseSpecial: parseSpecial) { text, special in
        if !text.isEmpty {
          encoder.encode(
            text, spaceBefore: addsSpacePrefix && isAfterSpecial, vocabulary: vocabulary,
            unknown: unknown, &scratch, into: &tokens)
          isAfterSpecial = false
        }
        if let special {
          tokens.append(special)
          isAfterSpecial = true
        }
      }
      steps = scratch.merger.stepCount
    }
    if addSpecial, addsEOS, let eos { tokens.append(eos) }
    return tokens
  }

  /// Calls `body` with the stretches of text, which may be empty, and the special token behind
  /// each; none is behind the last.
  private func forEachFragment(
    of text: Span<UInt8>, parseSpecial: Bool, _ body: (Span<UInt8>, TokenID?) -> Void
  ) {
    let matcher = parseSpecial ? specials : alwaysParsed
    var start = 0
    while let match = matcher.firstMatch(in: text, from: start) {
      body(text.extracting(start..<match.range.lowerBound), match.token)
      start = match.range.upperBound
      if stripsSpaceAfter.contains(match.token) {
        // C's isspace: tab to carriage return, and space.
        while start < text.count, text[start] == 0x20 || (9...13).contains(text[start]) {
          start += 1
        }
      }
    }
    body(text.extracting(start...), nil)
  }

  // MARK: Tokens

  /// The token with exactly this spelling in the vocabulary (`Ġthe`, `<|im_end|>`), or nil.
  public func token(forText text: String) -> TokenID? {
    vocabulary.token(spelled: Array(text.utf8))
  }

  /// The token's spelling in the vocabulary, such as `Ġthe` or `▁the`.
  ///
  /// - Precondition: `token` is in the vocabulary; so everywhere.
  public func rawText(of token: TokenID) -> [UInt8] {
    check(token)
    return vocabulary.spelling(of: token)
  }

  /// Whether the token marks the text's structure rather than being part of it.
  public func isControl(_ token: TokenID) -> Bool {
    check(token)
    return vocabulary.kinds[Int(token)] == .control
  }

  /// The bytes that the token adds to a text, such as those of ` the`. They need not be whole
  /// characters. Control tokens and unknown ones add nothing, unless asked for.
  public func piece(_ token: TokenID, includingSpecial: Bool = false) -> [UInt8] {
    withPiece(of: token, includingSpecial: includingSpecial) { [UInt8](copying: $0) }
  }

  /// Calls `body` with the bytes of `piece(_:includingSpecial:)`, which are valid during the call.
  public func withPiece<R>(
    of token: TokenID, includingSpecial: Bool = false, _ body: (Span<UInt8>) -> R
  ) -> R {
    guard includingSpecial || !isHidden(token) else {
      return body(Span())
    }
    return pieces.withPiece(of: token, body)
  }

  /// The text of `tokens`, as bytes. It begins where `tokens` do: SentencePiece's space before the
  /// text is taken away.
  public func decode(_ tokens: some Sequence<TokenID>, includingSpecial: Bool = false) -> [UInt8] {
    var detokenizer = Detokenizer(self, includingSpecial: includingSpecial)
    var text: [UInt8] = []
    for token in tokens { detokenizer.append(token, to: &text) }
    return text
  }

  /// Whether the token adds nothing to a text unless asked for.
  func isHidden(_ token: TokenID) -> Bool {
    check(token)
    let kind = vocabulary.kinds[Int(token)]
    return kind == .control || kind == .unknown
  }

  private func check(_ token: TokenID) {
    precondition(
      token >= 0 && Int(token) < vocabulary.count,
      "token \(token) is not in a vocabulary of \(vocabulary.count)")
  }
}
