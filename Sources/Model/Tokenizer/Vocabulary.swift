/// The spellings and kinds of all tokens, and the way back from a spelling to its token.
///
/// Spellings stand in one flat buffer and are found by a hash over bytes, never as `String`, whose
/// `==` calls `é` and `e` with an accent equal. Invariant: `starts.count == count + 1`.
struct Vocabulary: Sendable {
  /// What a token is for; raw values are GGUF's (`llama_token_type`).
  enum Kind: UInt8, Sendable {
    case normal = 1
    /// Stands for what the vocabulary cannot spell.
    case unknown = 2
    /// Marks the text's structure; never spelled by text unless the caller asks.
    case control = 3
    /// Added by the model's makers; always found in text before anything else.
    case userDefined = 4
    case unused = 5
    /// One byte, spelled `<0x0A>`.
    case byte = 6
  }

  let count: Int

  var kinds: [Kind]

  /// The longest spelling's bytes.
  let longest: Int

  /// All spellings, one after another; token `t` has `starts[t]..<starts[t + 1]`.
  private let spellings: [UInt8]
  private let starts: [UInt32]

  /// Open addressing with linear probing, at most half full. A slot holds the upper half of the
  /// hash, so that most other spellings are passed over without being read, and the token; -1 as
  /// the token means free.
  private var slots: [Slot]

  private struct Slot {
    var fingerprint: UInt32
    var token: TokenID
  }

  init(_ strings: GGUFStringArray, kinds: [Kind]) throws(TokenizerError) {
    let byteCount = strings.totalByteCount
    // Real ones have 300,000 at most; memory must not follow a damaged file's numbers.
    guard strings.count <= 1 << 24, byteCount <= 1 << 28 else {
      throw TokenizerError(
        "the vocabulary (tokenizer.ggml.tokens) has \(strings.count) tokens of \(byteCount) bytes; "
          + "that is too large, the file is damaged.")
    }
    precondition(kinds.count == strings.count, "each token has a kind")
    count = strings.count
    self.kinds = kinds

    var spellings: [UInt8] = []
    var starts: [UInt32] = [0]
    var longest = 0
    spellings.reserveCapacity(byteCount)
    starts.reserveCapacity(count + 1)
    strings.forEachString { _, spelling in
      spellings.append(copying: spelling)
      longest = max(longest, spelling.count)
      starts.append(UInt32(spellings.count))
    }
    self.spellings = spellings
    self.starts = starts
    self.longest = longest

    var capacity = 16
    while capacity < count * 2 { capacity *= 2 }
    slots = [Slot](repeating: Slot(fingerprint: 0, token: -1), count: capacity)
    for token in 0..<TokenID(count) { insert(token) }
  }

  /// Makes the token findable. The first of several with one spelling stays, and an empty spelling
  /// is never found.
  private mutating func insert(_ token: TokenID) {
    let (slot, fingerprint) = withSpelling(of: token) { spelling -> (Int, UInt32) in
      guard !spelling.isEmpty else { return (-1, 0) }
      let hash = Self.hash(spelling)
      return (freeSlot(for: spelling, hash), UInt32(truncatingIfNeeded: hash >> 32))
    }
    if slot >= 0 { slots[slot] = Slot(fingerprint: fingerprint, token: token) }
  }

  /// Calls `body` with the token's spelling, which is valid during the call.
  func withSpelling<R>(of token: TokenID, _ body: (Span<UInt8>) -> R) -> R {
    let range = Int(starts[Int(token)])..<Int(starts[Int(token) + 1])
    return body(spellings.span.extracting(range))
  }

  /// The token's spelling.
  func spelling(of token: TokenID) -> [UInt8] {
    withSpelling(of: token) { [UInt8](copying: $0) }
  }

  func byteCount(of token: TokenID) -> Int {
    Int(starts[Int(token) + 1] - starts[Int(token)])
  }

  /// Whether text may be read as this token without the caller's asking.
  func isSpellable(_ token: TokenID) -> Bool {
    switch kinds[Int(token)] {
    case .normal, .userDefined, .unused: true
    case .unknown, .control, .byte: false
    }
  }

  /// The token that is spelled exactly so, or nil.
  func token(spelled spelling: [UInt8]) -> TokenID? {
    token(spelled: spelling.span)
  }

  /// Whether the token is spelled as `left` and `right` together.
  func isSpelled(_ token: TokenID, _ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard byteCount(of: token) == left.count + right.count else { return false }
    return withSpelling(of: token) { spelling in
      spelling.extracting(first: left.count).isEqual(to: left)
        && spelling.extracting(last: right.count).isEqual(to: right)
    }
  }

  /// The token that is spelled exactly so, or nil.
  func token(spelled spelling: Span<UInt8>) -> TokenID? {
    guard !spelling.isEmpty, spelling.count <= longest else { return nil }
    let hash = Self.hash(spelling)
    let fingerprint = UInt32(truncatingIfNeeded: hash >> 32)
    var i = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while true {
      let slot = slots[i]
      if slot.token < 0 { return nil }
      if slot.fingerprint == fingerprint, isSpelled(slot.token, spelling) {
        return slot.token
      }
      i = (i + 1) & (slots.count - 1)
    }
  }

  /// Whether `spelling` is the token's.
  func isSpelled(_ token: TokenID, _ spelling: Span<UInt8>) -> Bool {
    withSpelling(of: token) { $0.isEqual(to: spelling) }
  }

  /// Where a new spelling belongs, or -1 where it is known already.
  private func freeSlot(for spelling: Span<UInt8>, _ hash: UInt64) -> Int {
    let fingerprint = UInt32(truncatingIfNeeded: hash >> 32)
    var i = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[i].token >= 0 {
      if slots[i].fingerprint == fingerprint, isSpelled(slots[i].token, spelling) {
        return -1
      }
      i = (i + 1) & (slots.count - 1)
    }
    return i
  }

  /// Eight bytes at a time: multiply, then fold the well-mixed upper half into the lower.
  private static func hash(_ bytes: Span<UInt8>) -> UInt64 {
    let raw = unsafe bytes.bytes
    var hash = UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
    func mix(_ word: UInt64) {
      hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
    }
    var i = 0
    while i + 8 <= bytes.count {
      mix(unsafe raw.unsafeLoadUnaligned(fromByteOffset: i, as: UInt64.self))
      i += 8
    }
    if i < bytes.count {
      var rest: UInt64 = 0
      while i < bytes.count {
        rest = rest << 8 | UInt64(bytes[i])
        i += 1
      }
      mix(rest)
    }
    return hash &* 0xC4CE_B9FE_1A85_EC53
  }
}
