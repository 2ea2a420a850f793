extension Tokenizer {
  /// The tokenizer that a model file describes in its `tokenizer.ggml.*` keys.
  ///
  /// What the file leaves out is filled in as llama.cpp does: SentencePiece has BOS 1, EOS 2,
  /// unknown 0 and adds BOS; byte-level BPE adds it only for some pre-tokenizers. Ids outside the
  /// vocabulary count as missing.
  public init(metadata: GGUFMetadata) throws(TokenizerError) {
    guard let model = metadata.string(Key.model) else {
      throw TokenizerError(
        "the file has no tokenizer (\(Key.model) is missing); use one with a vocabulary.")
    }
    switch model {
    case "gpt2": try self.init(bytePair: metadata)
    case "llama": try self.init(sentencePiece: metadata)
    default:
      throw TokenizerError(
        "the file's tokenizer (\(Key.model)) is '\(model)', which is not supported; supported are "
          + "gpt2 (byte-level BPE) and llama (SentencePiece BPE).")
    }
  }

  private init(bytePair metadata: GGUFMetadata) throws(TokenizerError) {
    let preTokenizer = try NamedPreTokenizer.named(metadata.string(Key.pre) ?? "default")
    let vocabulary = try Self.vocabulary(metadata)
    guard let merges = metadata.strings(Key.merges) else {
      throw TokenizerError(
        "the file has a byte-level BPE tokenizer without merges (\(Key.merges)); fetch a complete "
          + "conversion.")
    }
    guard merges.count <= 1 << 24 else {
      throw TokenizerError("the file has \(merges.count) merges (\(Key.merges)); it is damaged.")
    }
    try self.init(
      metadata, vocabulary, .byteAlphabet,
      .bytePair(
        BytePairEncoder(
          vocabulary: vocabulary, unknown: Self.id(Key.unknown, metadata, vocabulary),
          merges: merges, preTokenizer: preTokenizer)),
      defaults: Defaults(addsBOS: preTokenizer.addsBOS))
  }

  private init(sentencePiece metadata: GGUFMetadata) throws(TokenizerError) {
    let vocabulary = try Self.vocabulary(metadata)
    guard let scores = metadata.floats(Key.scores), scores.count >= vocabulary.count else {
      throw TokenizerError(
        "the file has a SentencePiece tokenizer whose scores (\(Key.scores)) are missing or fewer "
          + "than its \(vocabulary.count) tokens; fetch a complete conversion.")
    }
    try self.init(
      metadata, vocabulary, .escapedSpaces,
      .sentencePiece(
        SentencePieceEncoder(vocabulary: vocabulary, scores: Array(scores[..<vocabulary.count]))),
      defaults: Defaults(
        bos: 1, eos: 2, unknown: 0, addsBOS: true,
        addsSpacePrefix: metadata.bool(Key.addSpacePrefix) ?? true))
  }

  /// What holds where the file does not say.
  private struct Defaults {
    var bos: TokenID?
    var eos: TokenID?
    var unknown: TokenID?
    var addsBOS = false
    var addsSpacePrefix = false
  }

  private init(
    _ metadata: GGUFMetadata, _ vocabulary: Vocabulary, _ spelling: RenderedPieces.Spelling,
    _ encoder: Encoder, defaults: Defaults
  ) throws(TokenizerError) {
    func id(_ key: String, default id: TokenID? = nil) -> TokenID? {
      Self.id(key, metadata, vocabulary, default: id)
    }
    let bos = id(Key.bos, default: defaults.bos)
    let eos = id(Key.eos, default: defaults.eos)
    let endMarkers = EndMarkers.controlTokens(in: vocabulary)
    let endOfTurn = id(Key.endOfTurn) ?? EndMarkers.endOfTurn(in: vocabulary)

    for (key, id, idKey) in [(Key.addBOS, bos, Key.bos), (Key.addEOS, eos, Key.eos)]
    where metadata.bool(key) == true && id == nil {
      throw TokenizerError(
        "\(key) is true but \(idKey) is missing or outside the vocabulary of \(vocabulary.count) "
          + "tokens; the file is damaged, fetch it again.")
    }

    self.vocabulary = vocabulary
    self.encoder = encoder
    self.bos = bos
    self.eos = eos
    self.endOfTurn = endOfTurn
    padding = id(Key.padding)
    unknown = id(Key.unknown, default: defaults.unknown)
    endTokens = Set([eos, endOfTurn, id(Key.endOfMessage)].compactMap { $0 } + endMarkers)
    addsBOS = (metadata.bool(Key.addBOS) ?? defaults.addsBOS) && bos != nil
    addsEOS = (metadata.bool(Key.addEOS) ?? false) && eos != nil
    addsSpacePrefix = defaults.addsSpacePrefix
    pieces = RenderedPieces(vocabulary, spelling)

    var special: [TokenID] = []
    var userDefined: [TokenID] = []
    for token in 0..<TokenID(vocabulary.count) {
      switch vocabulary.kinds[Int(token)] {
      case .control, .unknown: special.append(token)
      case .userDefined:
        special.append(token)
        userDefined.append(token)
      case .normal, .unused, .byte: break
      }
    }
    let byteCount = special.reduce(0) { $0 + vocabulary.byteCount(of: $1) }
    guard byteCount <= 1 << 24 else {
      throw TokenizerError(
        "the vocabulary has \(byteCount) bytes of special tokens; the file is damaged.")
    }
    alwaysParsed = SpecialTokenMatcher(userDefined, vocabulary)
    specials = SpecialTokenMatcher(special, vocabulary)

    // Phi-3's special tokens swallow white space, which GGUF has no key for.
    let name = metadata.string("general.name")?.lowercased() ?? ""
    if name.contains("phi-3") || name.contains("phi3") {
      let exceptions = Set(
        ["<unk>", "<s>", "<|endoftext|>"].compactMap { vocabulary.token(spelled: Array($0.utf8)) })
      stripsSpaceAfter = Set(special).subtracting(exceptions)
    } else {
      stripsSpaceAfter = []
    }
  }

  /// The token that the file names under `key`, or `id` where it names none, or none that is in
  /// the vocabulary.
  private static func id(
    _ key: String, _ metadata: GGUFMetadata, _ vocabulary: Vocabulary, default id: TokenID? = nil
  ) -> TokenID? {
    let stated = metadata.integer(key).flatMap { TokenID(exactly: $0) }
    return [stated, id].lazy.compactMap { $0 }
      .first { (0..<TokenID(vocabulary.count)).contains($0) }
  }

  private static func vocabulary(
    _ metadata: GGUFMetadata
  ) throws(TokenizerError) -> Vocabulary {
    guard let strings = metadata.strings(Key.tokens), strings.count > 0 else {
      throw TokenizerError(
        "the file has no vocabulary (\(Key.tokens) is missing or empty); fetch a complete one.")
    }
    var kinds = [Vocabulary.Kind](repeating: .normal, count: strings.count)
    if let types = metadata.integers(Key.tokenTypes) {
      guard types.count >= strings.count else {
        throw TokenizerError(
          "the file has \(strings.count) tokens but \(types.count) token types "
            + "(\(Key.tokenTypes)); it is damaged, fetch it again.")
      }
      for i in kinds.indices {
        kinds[i] = UInt8(exactly: types[i]).flatMap(Vocabulary.Kind.init) ?? .normal
      }
    }
    var vocabulary = try Vocabulary(strings, kinds: kinds)
    EndMarkers.correctKinds(in: &vocabulary)
    return vocabulary
  }

  private enum Key {
    static let model = "tokenizer.ggml.model"
    static let pre = "tokenizer.ggml.pre"
    static let tokens = "tokenizer.ggml.tokens"
    static let tokenTypes = "tokenizer.ggml.token_type"
    static let scores = "tokenizer.ggml.scores"
    static let merges = "tokenizer.ggml.merges"
    static let bos = "tokenizer.ggml.bos_token_id"
    static let eos = "tokenizer.ggml.eos_token_id"
    static let endOfTurn = "tokenizer.ggml.eot_token_id"
    static let endOfMessage = "tokenizer.ggml.eom_token_id"
    static let unknown = "tokenizer.ggml.unknown_token_id"
    static let padding = "tokenizer.ggml.padding_token_id"
    static let addBOS = "tokenizer.ggml.add_bos_token"
    static let addEOS = "tokenizer.ggml.add_eos_token"
    static let addSpacePrefix = "tokenizer.ggml.add_space_prefix"
  }
}
