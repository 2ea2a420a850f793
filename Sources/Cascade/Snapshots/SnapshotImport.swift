internal import Cache
internal import Glibc
internal import Model

/// A snapshot of which the header was read.
package struct OpenedSnapshot {
  package let header: SnapshotHeader
  fileprivate var reader: SnapshotReader

  package init(_ source: SnapshotSource) throws(SnapshotError) {
    reader = try SnapshotReader(source)
    header = try Self.header(&reader)
  }

  fileprivate static func header(
    _ reader: inout SnapshotReader
  ) throws(SnapshotError) -> SnapshotHeader {
    let section = try reader.next()
    guard section.kind == .header, let header = SnapshotHeader(encoded: section.content) else {
      throw reader.damaged("the header cannot be read", at: section.offset)
    }
    return header
  }
}

/// Brings a session that was exported into a store.
///
/// Everything is read and checked once before anything is written. Then blocks are put and flushed, and
/// the session comes into the catalog in one transaction. A process that ends before leaves no session;
/// an import that fails takes its blocks back.
package struct SnapshotImport: Sendable {
  private let place: SnapshotPlace
  private let name: String
  private let namespace: String
  private let isTextOnly: Bool

  package struct Result: Sendable, Equatable {
    package var session: KeptSession
    package var tally: SnapshotTally
    /// Why the session's text is read again although the snapshot has keys and values; nil where it is
    /// not.
    package var reasonForReading: String?
  }

  /// Blocks that are put before they are flushed together, in bytes.
  private static let batchBytes = 32 << 20

  package init(
    into place: SnapshotPlace, as name: String, namespace: String, isTextOnly: Bool = false
  ) {
    self.place = place
    self.name = name
    self.namespace = namespace
    self.isTextOnly = isTextOnly
  }

  /// - Parameters:
  ///   - snapshot: one that was not imported yet.
  ///   - onProgress: called with steps done, of how many; before the last one all is on disk but the
  ///     session itself.
  package func run(
    _ snapshot: OpenedSnapshot,
    onProgress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in },
    isCancelled: @escaping () -> Bool = { false }
  ) throws(SnapshotError) -> Result {
    let header = snapshot.header
    try checkName()
    let usesBlocks = try checkFit(of: snapshot)
    var reader = snapshot.reader
    reader.source.isCancelled = isCancelled
    if usesBlocks {
      try reader.source.prepareToRewind(copyingTo: place.directory ?? ScratchFile.temporaryFolder)
    }
    let steps = Steps(
      total: 2 * ((header.sequence?.blocks ?? 0) + (header.sequence?.hasTail == true ? 1 : 0)),
      onProgress: onProgress, isCancelled: isCancelled)
    let (contents, tail) = try verify(&reader, header, decodes: usesBlocks, steps)
    var result = Result(session: try session(header), tally: SnapshotTally())
    result.tally.bytes = reader.byteCount
    result.tally.turns = contents.turns.count
    guard usesBlocks,
      let chain = contents.target(
        in: namespace, of: header, model: place.model, tailTokens: tail, file: reader.link)
    else {
      result.session = try adopt(contents, nil, header, result.session)
      return result
    }
    result.reasonForReading = chain.reason
    result.tally.tokens = contents.tokens.count
    var added: Set<BlockIdentity> = []
    do throws(SnapshotError) {
      let file = reader.link
      try put(
        chain, of: header, as: result.session.memory, from: reader.source, file: file, &added,
        &result.tally, steps)
      result.tally.blocksLeftOut = contents.chain.count - result.tally.blocks
      result.session = try adopt(contents, chain, header, result.session)
      return result
    } catch {
      // What cannot be taken back now is memory of a session that is not there: it does no harm.
      _ = try? place.tiers.forget(added)
      throw error
    }
  }

  /// Counts, and asks whether to go on.
  private struct Steps {
    var total: Int
    var onProgress: (Int, Int) -> Void
    var isCancelled: () -> Bool

    func note(_ done: Int) throws(SnapshotError) {
      if isCancelled() { throw .cancelled }
      onProgress(done, total)
    }
  }

  // MARK: - Checking

  private func checkName() throws(SnapshotError) {
    let isTaken = try SnapshotError.aboutCatalog { () throws(CatalogError) in
      try place.catalog.session(named: name, in: namespace) != nil
    }
    if isTaken { throw taken }
  }

  private var taken: SnapshotError {
    SnapshotError(
      .taken,
      "the namespace \(namespace) has a session \(name) already; choose another name with --as.")
  }

  /// Whether keys and values can be used; an error where they cannot and were not given up.
  private func checkFit(of snapshot: OpenedSnapshot) throws(SnapshotError) -> Bool {
    let header = snapshot.header
    guard let sequence = header.sequence, !isTextOnly else { return false }
    let source = snapshot.reader.source.name
    guard header.model == place.modelIdentity else {
      throw SnapshotError(
        .otherModel,
        "\(source) is of the model \(header.modelName), and this is \(place.modelName)"
          + "\(header.modelName == place.modelName ? " of another file" : ""); name that one with --model, "
          + "or import what was said with --text.")
    }
    guard sequence.layout == place.layout else {
      throw SnapshotError(
        .otherModel,
        "\(source) has blocks of \(sequence.layout.blockLength) tokens in \(sequence.layout.type.rawValue), "
          + "and this engine has \(place.layout.blockLength) in \(place.layout.type.rawValue); run it with those, "
          + "or import what was said with --text.")
    }
    if let signature = sequence.signature {
      let root = BlockIdentity.root(
        model: place.model, layout: sequence.layout, signature: signature,
        namespace: header.namespace)
      guard root == sequence.root else {
        throw snapshot.reader.damaged(
          "the header's root does not follow from model, layout and namespace",
          at: SnapshotFormat.preambleBytes)
      }
    }
    let metadata =
      512 + name.utf8.count + namespace.utf8.count + sequence.layout.blockLength * 4
      + 2 * sequence.vectorCount
    guard metadata <= place.tiers.options.metadataBytes else {
      throw SnapshotError(
        .otherModel,
        "\(source) has blocks that are found by the scorer \(sequence.scorer.rawValue), which takes more room than "
          + "this engine gives; run it with that one, or import what was said with --text.")
    }
    return true
  }

  /// Reads the snapshot to its end, and keeps what is not keys and values.
  ///
  /// - Returns: also how many tokens the tail holds, where it is there.
  private func verify(
    _ reader: inout SnapshotReader, _ header: SnapshotHeader, decodes: Bool, _ steps: Steps
  ) throws(SnapshotError) -> (SnapshotContents, tailTokens: Int?) {
    let contents = try SnapshotContents(&reader, behind: header)
    if decodes,
      let token = contents.tokens.first(where: { !(0..<place.vocabulary).contains(Int($0)) })
    {
      throw reader.damaged(
        "before it is a token \(token) that the model lacks", at: reader.byteCount)
    }
    var decoder = decodes ? try header.sequence.map(BlockDecoder.init) : nil
    var tailTokens: Int?
    let damaged = reader.damaged
    try forEachBlock(&reader, of: contents, behind: header) {
      (block, offset) throws(SnapshotError) in
      try steps.note(block.place)
      if block.place == header.sequence?.blocks { tailTokens = block.tokens }
      if decoder?.decode(block) == false {
        throw damaged("a block's keys and values are not what was written", offset)
      }
    }
    return (contents, tailTokens)
  }

  /// Decodes blocks of one sequence.
  private struct BlockDecoder {
    private let coder: FrameCoder
    private let sequence: SnapshotHeader.Sequence
    /// Keys and values of the last one.
    private(set) var bytes: [UInt8]

    init(_ sequence: SnapshotHeader.Sequence) throws(SnapshotError) {
      self.sequence = sequence
      coder = try SnapshotError.aboutEncoding { () throws(CodecError) in
        try FrameCoder(shape: sequence.shape)
      }
      bytes = [UInt8](repeating: 0, count: sequence.layout.blockByteCount)
    }

    /// - Returns: false when the block is not what was written.
    mutating func decode(_ block: SnapshotBlock) -> Bool {
      guard block.vectors.isEmpty || block.vectors.count == sequence.vectorCount else {
        return false
      }
      return block.decode(with: coder, as: sequence.codec, into: &bytes)
    }
  }

  // MARK: - Writing

  /// The session as it is going to be, but for its number.
  private func session(_ header: SnapshotHeader) throws(SnapshotError) -> KeptSession {
    let memory = try SnapshotError.aboutCatalog { () throws(CatalogError) in
      try place.catalog.memoryName(for: name, in: namespace)
    }
    let isOwn = header.model == place.modelIdentity
    return KeptSession(
      id: 0, namespace: namespace, name: name, memory: memory, model: place.modelIdentity,
      modelName: isOwn ? header.modelName : place.modelName,
      template: isOwn ? header.template : place.template ?? header.template,
      created: header.created, used: header.used, isPinned: false, forkedFrom: nil, turns: 0)
  }

  /// Reads the snapshot once more, and puts its blocks where they survive the process.
  ///
  /// - Parameters:
  ///   - file: the checksum of the snapshot as it was checked.
  ///   - added: the blocks that were not there before.
  private func put(
    _ chain: SnapshotChain, of header: SnapshotHeader, as memory: String,
    from source: SnapshotSource, file: UInt64, _ added: inout Set<BlockIdentity>,
    _ tally: inout SnapshotTally, _ steps: Steps
  ) throws(SnapshotError) {
    guard let sequence = header.sequence, !chain.identities.isEmpty else { return }
    try place.refresh()
    try source.rewind()
    var snapshot = try OpenedSnapshot(source)
    let contents = try SnapshotContents(&snapshot.reader, behind: snapshot.header)
    var decoder = try BlockDecoder(sequence)
    var waiting = 0
    var kept: [BlockIdentity] = []
    let changed = snapshot.reader.damaged
    try forEachBlock(
      &snapshot.reader, of: contents, behind: snapshot.header
    ) { (block, offset) throws(SnapshotError) in
      try steps.note(min(steps.total / 2 + block.place, steps.total - 1))
      guard block.place < chain.identities.count else { return }
      guard decoder.decode(block) else { throw changed("it changes while it is read", offset) }
      let identity = chain.identities[block.place]
      if !place.tiers.contains(identity) {
        added.insert(identity)
        try put(
          identity,
          Passage(
            session: memory, namespace: namespace,
            parent: block.place == 0 ? nil : chain.identities[block.place - 1],
            ordinal: block.place, turn: block.turn, time: block.time,
            tokens: Array(contents.tokens(of: block.place, sequence).prefix(block.tokens)),
            vectors: block.vectors, scorer: sequence.scorer),
          decoder.bytes)
        waiting += decoder.bytes.count
        if waiting >= Self.batchBytes {
          try flush()
          waiting = 0
        }
      }
      kept.append(identity)
      tally.blockTokens += block.tokens
      tally.keyValueBytes += decoder.bytes.count
    }
    guard snapshot.reader.link == file else {
      throw snapshot.reader.damaged("it changes while it is read", at: snapshot.reader.byteCount)
    }
    try flush()
    // What the disk's budget had no room for is read again.
    tally.blocks = kept.count { place.tiers.contains($0) }
    try steps.note(steps.total)
  }

  private func flush() throws(SnapshotError) {
    try SnapshotError.aboutStore { () throws(StoreError) in try place.tiers.flush() }
  }

  private func put(
    _ identity: BlockIdentity, _ passage: Passage, _ bytes: [UInt8]
  ) throws(SnapshotError) {
    let result = try SnapshotError.aboutStore { () throws(StoreError) in
      try place.tiers.put(
        identity,
        attributes: BlockAttributes(
          model: place.model.low, namespace: UInt64(naming: passage.namespace),
          session: passage.sessionKey, cost: Double(passage.tokens.count), memory: passage.kind),
        metadata: passage.encoded(), frames: unsafe bytes.span.bytes)
    }
    if case .declined = result {
      throw SnapshotError(
        .store,
        "the memory's budgets have no room for the session's blocks; free some, or import what was said with "
          + "--text.")
    }
  }

  private func adopt(
    _ contents: SnapshotContents, _ chain: SnapshotChain?, _ header: SnapshotHeader,
    _ session: KeptSession
  ) throws(SnapshotError) -> KeptSession {
    var whole = WholeSession(
      session: session, turns: contents.turns, settings: contents.settings)
    if let chain, chain.isStored {
      let count = contents.blocks.count
      whole.sequence = KeptSequence(
        root: chain.root, tokens: contents.tokens, blocks: Array(chain.identities.prefix(count)),
        tail: chain.identities.dropFirst(count).first)
      whole.marks = contents.marks
      whole.signature = header.sequence?.signature
    }
    let adopted = try SnapshotError.aboutCatalog { () throws(CatalogError) in
      try place.catalog.adopt(whole)
    }
    guard let adopted else { throw taken }
    return adopted
  }
}

extension SnapshotHeader.Sequence {
  /// Numbers that the index keeps of a block.
  var vectorCount: Int {
    layout.layers * layout.kvHeads * layout.headDimension
      * IndexLayout.vectors(by: scorer, blockLength: layout.blockLength)
  }
}
