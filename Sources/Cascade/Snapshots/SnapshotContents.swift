internal import Cache
internal import Model

/// What a snapshot holds behind its header, blocks aside.
struct SnapshotContents {
  private(set) var settings: [UInt8]?
  private(set) var turns: [KeptTurn] = []
  /// What follows is empty where there is no sequence.
  private(set) var tokens: [TokenID] = []
  private(set) var blocks: [BlockIdentity] = []
  private(set) var tail: BlockIdentity?
  private(set) var marks: [SequenceMark] = []

  /// The blocks with the tail behind them.
  var chain: [BlockIdentity] { blocks + (tail.map { [$0] } ?? []) }

  /// Reads everything up to the first block, and checks that it fits together.
  init(_ reader: inout SnapshotReader, behind header: SnapshotHeader) throws(SnapshotError) {
    if header.hasSettings {
      settings = try Self.next(.settings, &reader).content
    }
    try readTurns(&reader, header.turns)
    if let sequence = header.sequence { try readSequence(&reader, sequence) }
  }

  private static func next(
    _ kind: SnapshotFormat.Kind, _ reader: inout SnapshotReader
  ) throws(SnapshotError) -> SnapshotReader.Section {
    let section = try reader.next()
    guard section.kind == kind else {
      throw reader.damaged(
        "there is a \(section.kind.name) section where \(kind.name) is due", at: section.offset)
    }
    return section
  }

  private mutating func readTurns(
    _ reader: inout SnapshotReader, _ count: Int
  ) throws(SnapshotError) {
    var bytes = 0
    for _ in 0..<count {
      let section = try Self.next(.turn, &reader)
      bytes += section.content.count
      var cursor = SnapshotCursor(section.content)
      guard let number = cursor.take(UInt32.self), number <= Int32.max,
        Int(number) > turns.last?.number ?? -1, let time = cursor.take(Int64.self),
        let text = cursor.takeText(), cursor.isAtEnd, bytes <= 2 * SnapshotFormat.maximumTextBytes
      else { throw reader.damaged("a turn cannot be read", at: section.offset) }
      let role = number == 0 ? "system" : number % 2 == 1 ? "user" : "assistant"
      turns.append(KeptTurn(number: Int(number), role: role, text: text, time: time))
    }
  }

  private mutating func readSequence(
    _ reader: inout SnapshotReader, _ sequence: SnapshotHeader.Sequence
  ) throws(SnapshotError) {
    var section = try Self.next(.tokens, &reader)
    guard section.content.count == sequence.tokens * 4 else {
      throw reader.damaged("there are not as many tokens as announced", at: section.offset)
    }
    tokens = [TokenID](column: section.content)
    section = try Self.next(.chain, &reader)
    var cursor = SnapshotCursor(section.content)
    for _ in 0..<sequence.blocks {
      guard let identity = cursor.takeIdentity() else { break }
      blocks.append(identity)
    }
    if sequence.hasTail { tail = cursor.takeIdentity() }
    let count = cursor.take(UInt32.self) ?? 0
    for _ in 0..<count {
      guard let turn = cursor.take(UInt32.self), let tokens = cursor.take(UInt64.self),
        let blocks = cursor.take(UInt64.self), tokens <= sequence.tokens, blocks <= sequence.blocks
      else { break }
      marks.append(SequenceMark(turn: Int(turn), tokens: Int(tokens), blocks: Int(blocks)))
    }
    guard cursor.isAtEnd, blocks.count == sequence.blocks, (tail != nil) == sequence.hasTail,
      marks.count == Int(count), areMarksInOrder,
      marks.last?.tokens == sequence.tokens, marks.last?.blocks == sequence.blocks
    else { throw reader.damaged("the chain of blocks cannot be read", at: section.offset) }
  }

  /// Whether marks rise, and are of turns that there are.
  private var areMarksInOrder: Bool {
    let numbers = Set(turns.map(\.number))
    var last = SequenceMark(turn: -1, tokens: 0, blocks: 0)
    for mark in marks {
      guard numbers.contains(mark.turn), mark.turn > last.turn, mark.tokens >= last.tokens,
        mark.blocks >= last.blocks
      else { return false }
      last = mark
    }
    return true
  }

  /// The tokens that a block holds where it is filled; of the tail, those that are left.
  func tokens(of place: Int, _ sequence: SnapshotHeader.Sequence) -> ArraySlice<TokenID> {
    tokens[(place * sequence.layout.blockLength)...].prefix(sequence.layout.blockLength)
  }
}

/// Reads the blocks of a snapshot to its end.
///
/// - Parameter body: called with each block, in order.
func forEachBlock(
  _ reader: inout SnapshotReader, of contents: SnapshotContents, behind header: SnapshotHeader,
  _ body: (SnapshotBlock, _ offset: Int) throws(SnapshotError) -> Void
) throws(SnapshotError) {
  let chain = contents.chain
  var (count, last) = (0, -1)
  while true {
    let section = try reader.next()
    guard section.kind == .block, let sequence = header.sequence else {
      return try reader.expectEnd(section, turns: contents.turns.count, blocks: count)
    }
    guard let block = SnapshotBlock(encoded: section.content, of: sequence), block.place > last,
      block.identity == chain[block.place]
    else { throw reader.damaged("a block cannot be read", at: section.offset) }
    (count, last) = (count + 1, block.place)
    try body(block, section.offset)
  }
}
