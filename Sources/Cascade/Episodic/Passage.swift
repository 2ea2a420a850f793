package import Cache
package import Model

/// A block's place in the conversations: what episodic memory keeps beside its keys and values.
package struct Passage: Sendable, Equatable {
  package var session: String
  package var namespace: String
  /// The block before it; nil for a session's first.
  package var parent: BlockIdentity?
  /// The block's number in its session.
  package var ordinal: Int
  /// Turns of a chat that ended before the block.
  package var turn: Int
  /// Seconds since 1970 at which it was read.
  package var time: Int64
  package var tokens: [TokenID]
  /// What the index keeps of it, half-precision [layers][vectors][kvHeads][d]; empty where nothing is
  /// recalled.
  package var vectors: [UInt16]
  /// What the vectors are.
  package var scorer: RecallOptions.Scorer
  /// Whether it was said, or is the gist of what was.
  package var kind: MemoryKind

  package init(
    session: String, namespace: String, parent: BlockIdentity?, ordinal: Int, turn: Int,
    time: Int64, tokens: [TokenID], vectors: [UInt16], scorer: RecallOptions.Scorer,
    kind: MemoryKind = .episodic
  ) {
    self.session = session
    self.namespace = namespace
    self.parent = parent
    self.ordinal = ordinal
    self.turn = turn
    self.time = time
    self.tokens = tokens
    self.vectors = vectors
    self.scorer = scorer
    self.kind = kind
  }

  /// The session as a number. A concept has none: its number is one that no session's name gives.
  package var sessionKey: UInt64 {
    kind == .semantic
      ? UInt64(naming: namespace, session, "semantic") : UInt64(naming: namespace, session)
  }
}

// Little-endian: version u32, ordinal u32, turn u32, time i64, parent 2 x u64 (zeros: none), then
// session, namespace and scorer as u32 length and UTF-8, tokens as u32 count and i32 each, vectors as
// u32 count and u16 each, and the kind of memory as u8, which version 1 did not have.
extension Passage {
  private static let version: UInt32 = 2

  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(80 + session.utf8.count + tokens.count * 4 + vectors.count * 2)
    func put(_ number: some FixedWidthInteger) {
      for shift in 0..<number.bitWidth / 8 {
        bytes.append(UInt8(truncatingIfNeeded: number >> (shift * 8)))
      }
    }
    func put(text: String) {
      put(UInt32(text.utf8.count))
      bytes += text.utf8
    }
    put(Self.version)
    put(UInt32(ordinal))
    put(UInt32(turn))
    put(time)
    put(parent?.high ?? 0)
    put(parent?.low ?? 0)
    put(text: session)
    put(text: namespace)
    put(text: scorer.rawValue)
    put(UInt32(tokens.count))
    for token in tokens { put(token) }
    put(UInt32(vectors.count))
    for number in vectors { put(number) }
    put(kind.rawValue)
    return bytes
  }

  /// Nil when the bytes are none that this version or an earlier one wrote.
  package init?(encoded bytes: [UInt8]) {
    var at = 0
    func take<N: FixedWidthInteger>(_ type: N.Type) -> N? {
      let size = N.bitWidth / 8
      guard bytes.count - at >= size else { return nil }
      var number: N = 0
      for shift in 0..<size { number |= N(truncatingIfNeeded: bytes[at + shift]) << (shift * 8) }
      at += size
      return number
    }
    func takeCount(of size: Int) -> Int? {
      guard let count = take(UInt32.self), Int(count) * size <= bytes.count - at else { return nil }
      return Int(count)
    }
    func takeText() -> String? {
      guard let count = takeCount(of: 1) else { return nil }
      defer { at += count }
      return String(validating: bytes[at..<at + count], as: UTF8.self)
    }
    guard let version = take(UInt32.self), (1...Self.version).contains(version),
      let ordinal = take(UInt32.self),
      let turn = take(UInt32.self), let time = take(Int64.self), let high = take(UInt64.self),
      let low = take(UInt64.self), let session = takeText(), let namespace = takeText(),
      let scorer = takeText().flatMap(RecallOptions.Scorer.init), let tokenCount = takeCount(of: 4)
    else { return nil }
    var tokens: [TokenID] = []
    tokens.reserveCapacity(tokenCount)
    for _ in 0..<tokenCount { tokens.append(take(TokenID.self)!) }
    guard let vectorCount = takeCount(of: 2) else { return nil }
    var vectors: [UInt16] = []
    vectors.reserveCapacity(vectorCount)
    for _ in 0..<vectorCount { vectors.append(take(UInt16.self)!) }
    let kind = version == 1 ? .episodic : take(UInt8.self).flatMap(MemoryKind.init)
    guard let kind, at == bytes.count else { return nil }
    self.init(
      session: session, namespace: namespace,
      parent: high == 0 && low == 0 ? nil : BlockIdentity(high: high, low: low),
      ordinal: Int(ordinal), turn: Int(turn), time: time, tokens: tokens, vectors: vectors,
      scorer: scorer, kind: kind)
  }
}
