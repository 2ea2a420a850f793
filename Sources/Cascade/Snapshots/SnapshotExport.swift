package import Cache
internal import Model

/// Writes a session as a snapshot: what was committed last, also while another process goes on with it.
package struct SnapshotExport {
  private let place: SnapshotPlace
  private let form: SnapshotForm
  private let whole: WholeSession
  private let header: SnapshotHeader

  /// The codec that `packed` uses: int8, whose loss is below what flipping the last bit of every number
  /// costs (docs/kv-codecs.md).
  package static let packedCodec = FrameCodec.int8

  /// Takes a picture of a session.
  ///
  /// - Parameter session: the session's number in the catalog.
  package init(
    _ session: Int64, as form: SnapshotForm, from place: SnapshotPlace
  ) throws(SnapshotError) {
    let whole = try SnapshotError.aboutCatalog { () throws(CatalogError) in
      try place.catalog.whole(session)
    }
    guard let whole else {
      throw SnapshotError(.missing, "the session was deleted meanwhile; export another one.")
    }
    self.place = place
    self.form = form
    self.whole = whole
    let kept = whole.session
    header = SnapshotHeader(
      form: form, name: kept.name, namespace: kept.namespace, model: kept.model,
      modelName: kept.modelName, template: kept.template, created: kept.created, used: kept.used,
      turns: whole.turns.count, hasSettings: whole.settings != nil,
      sequence: form == .text ? nil : try Self.sequence(of: whole, form, place))
  }

  private static func sequence(
    of whole: WholeSession, _ form: SnapshotForm, _ place: SnapshotPlace
  ) throws(SnapshotError) -> SnapshotHeader.Sequence? {
    guard let sequence = whole.sequence else { return nil }
    let session = whole.session
    guard session.model == place.modelIdentity else {
      throw SnapshotError(
        .otherModel,
        "the session \(session.name) was held with the model \(session.modelName), and this is "
          + "\(place.modelName); name that one with --model, or export the text alone with --form text."
      )
    }
    let length = place.layout.blockLength
    // A few tokens at the end may have no keys and values; what was not to be remembered has no blocks.
    let filled = sequence.blocks.count * length
    guard
      sequence.blocks.isEmpty
        || filled <= sequence.tokens.count && sequence.tokens.count <= filled + 2 * length
    else {
      throw SnapshotError(
        .otherModel,
        "the session \(session.name) is in \(sequence.blocks.count) blocks of other than \(length) tokens; "
          + "name their length with --block, or export the text alone with --form text.")
    }
    guard sequence.tokens.count <= SnapshotFormat.maximumTokens else {
      throw SnapshotError(
        .tooLarge,
        "the session \(session.name) has \(sequence.tokens.count) tokens, where a snapshot has at most "
          + "\(SnapshotFormat.maximumTokens); export the text alone with --form text.")
    }
    try place.refresh()
    let chain = sequence.blocks + (sequence.tail.map { [$0] } ?? [])
    let scorers = chain.lazy.compactMap { place.passage($0)?.scorer }
    guard chain.isEmpty || !scorers.isEmpty else {
      throw SnapshotError(
        .otherModel,
        "the store has none of the session \(session.name)'s blocks as \(length) tokens in "
          + "\(place.layout.type.rawValue); name how they were kept with --block and --kv-type, or export the "
          + "text alone with --form text.")
    }
    return SnapshotHeader.Sequence(
      layout: place.layout, codec: form == .exact ? .exact : packedCodec,
      scorer: scorers.first ?? .bounds, root: sequence.root, signature: whole.signature,
      tokens: sequence.tokens.count, blocks: sequence.blocks.count, hasTail: sequence.tail != nil)
  }

  /// Writes the snapshot.
  ///
  /// - Parameter onProgress: called with blocks done, of how many.
  package func write(
    to sink: any SnapshotSink, onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
    isCancelled: () -> Bool = { false }
  ) throws(SnapshotError) -> SnapshotTally {
    try checkText()
    var tally = SnapshotTally()
    var writer = try SnapshotWriter(to: sink)
    try writer.write(.header, header.encoded())
    if let settings = whole.settings { try writer.write(.settings, settings) }
    for turn in whole.turns {
      var content = SnapshotBytes()
      content.put(UInt32(turn.number))
      content.put(turn.time)
      content.put(turn.text)
      try writer.write(.turn, content.bytes)
    }
    tally.turns = whole.turns.count
    if let sequence = whole.sequence, let kept = header.sequence {
      try write(sequence, to: &writer)
      tally.tokens = sequence.tokens.count
      try writeBlocks(of: sequence, kept, to: &writer, &tally, onProgress, isCancelled)
    }
    try writer.end(turns: tally.turns, blocks: tally.blocks)
    tally.bytes = writer.byteCount
    return tally
  }

  private func checkText() throws(SnapshotError) {
    let bytes = whole.turns.reduce(0) { $0 + $1.text.utf8.count }
    guard bytes <= SnapshotFormat.maximumTextBytes,
      whole.turns.count <= SnapshotFormat.maximumTurns
    else {
      throw SnapshotError(
        .tooLarge,
        "the session \(header.name) has \(whole.turns.count) turns and \(bytes >> 20) MiB of text, where a "
          + "snapshot has at most \(SnapshotFormat.maximumTurns) and "
          + "\(SnapshotFormat.maximumTextBytes >> 20) MiB; fork it and undo some of them.")
    }
  }

  private func write(
    _ sequence: KeptSequence, to writer: inout SnapshotWriter
  ) throws(SnapshotError) {
    var tokens = SnapshotBytes()
    tokens.reserve(sequence.tokens.count * 4)
    for token in sequence.tokens { tokens.put(token) }
    try writer.write(.tokens, tokens.bytes)
    var chain = SnapshotBytes()
    for identity in sequence.blocks { chain.put(identity) }
    if let tail = sequence.tail { chain.put(tail) }
    chain.put(UInt32(whole.marks.count))
    for mark in whole.marks {
      chain.put(UInt32(mark.turn))
      chain.put(UInt64(mark.tokens))
      chain.put(UInt64(mark.blocks))
    }
    try writer.write(.chain, chain.bytes)
  }

  private func writeBlocks(
    of sequence: KeptSequence, _ kept: SnapshotHeader.Sequence, to writer: inout SnapshotWriter,
    _ tally: inout SnapshotTally, _ onProgress: (Int, Int) -> Void, _ isCancelled: () -> Bool
  ) throws(SnapshotError) {
    let coder = try SnapshotError.aboutEncoding { () throws(CodecError) in
      try FrameCoder(shape: kept.shape)
    }
    var bytes = [UInt8](repeating: 0, count: kept.layout.blockByteCount)
    let chain = sequence.blocks + (sequence.tail.map { [$0] } ?? [])
    for (number, identity) in chain.enumerated() {
      if isCancelled() { throw .cancelled }
      if let passage = try read(
        identity, number, of: sequence, isTail: number == sequence.blocks.count, kept, into: &bytes)
      {
        let frames = try encode(bytes, with: coder, as: kept.codec)
        let content = SnapshotBlock.encoded(
          place: number, identity: identity, passage: passage,
          checksum: kept.codec.isLossless ? SnapshotBlock.checksum(bytes) : 0, frames: frames)
        try writer.write(.block, content, isDense: true)
        tally.blocks += 1
        tally.blockTokens += passage.tokens.count
        tally.keyValueBytes += bytes.count
      } else {
        tally.blocksLeftOut += 1
      }
      onProgress(number + 1, chain.count)
    }
  }

  /// Copies a block; nil when it is not there, or is not what the sequence says.
  private func read(
    _ identity: BlockIdentity, _ number: Int, of sequence: KeptSequence, isTail: Bool,
    _ kept: SnapshotHeader.Sequence, into bytes: inout [UInt8]
  ) throws(SnapshotError) -> Passage? {
    let rest = sequence.tokens[(number * kept.layout.blockLength)...]
    guard let passage = place.passage(identity), passage.kind == .episodic,
      passage.scorer == kept.scorer, rest.starts(with: passage.tokens), !passage.tokens.isEmpty,
      isTail == (passage.tokens.count != kept.layout.blockLength)
    else { return nil }
    do throws(StoreError) {
      var numbers = bytes.mutableSpan
      let isExact = try unsafe numbers.withUnsafeMutableBytes { buffer throws(StoreError) in
        var block = unsafe buffer.mutableBytes
        return try place.tiers.copyBlock(identity, into: &block)
      }
      return isExact || form == .packed ? passage : nil
    } catch {
      // Whoever goes on from the snapshot reads these tokens again.
      if error.code == .missing || error.code == .damaged { return nil }
      throw SnapshotError(.store, error.message)
    }
  }

  private func encode(
    _ bytes: [UInt8], with coder: FrameCoder, as codec: FrameCodec
  ) throws(SnapshotError) -> [[UInt8]] {
    let size = coder.shape.byteCount
    return try SnapshotError.aboutEncoding { () throws(CodecError) in
      var frames: [[UInt8]] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        var frame: [UInt8] = []
        try coder.encode(
          unsafe bytes.span.bytes.extracting(start..<start + size), as: codec, into: &frame)
        frames.append(frame)
      }
      return frames
    }
  }
}

extension SnapshotPlace {
  func passage(_ identity: BlockIdentity) -> Passage? {
    tiers.metadata(of: identity).flatMap(Passage.init(encoded:))
  }
}
