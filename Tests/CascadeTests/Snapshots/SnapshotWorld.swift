import Cache
import Cascade
import Foundation
import Model
import TestSupport

/// A store with made-up sessions, in a folder of its own.
final class SnapshotWorld {
  static let layout = KVLayout(layers: 2, kvHeads: 2, headDimension: 8, blockLength: 16)
  static let model = ModelDigest(high: 3, low: 4)
  static let signature = "window 64 sinks 4, for a test"

  let folder: String
  private(set) var place: SnapshotPlace
  private let isOwned: Bool

  var tiers: TieredStore { place.tiers }
  var catalog: Catalog { place.catalog }

  /// - Parameters:
  ///   - folder: an earlier one's; nil: a new one, which goes with this object.
  ///   - isKept: false: what there is is in memory only.
  init(
    in folder: String? = nil, isKept: Bool = true, model: ModelDigest = SnapshotWorld.model,
    layout: KVLayout = SnapshotWorld.layout, modelName: String = "a model"
  ) throws {
    isOwned = folder == nil
    self.folder =
      folder
      ?? FileManager.default.temporaryDirectory
      .appending(path: "spark-snapshots-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(
      atPath: self.folder, withIntermediateDirectories: true)
    var options = StoreOptions()
    options.exactBytes = 1 << 20
    options.packedBytes = 1 << 20
    options.diskBytes = 64 << 20
    options.hasThreads = false
    let directory = isKept ? self.folder : nil
    place = SnapshotPlace(
      tiers: try TieredStore(
        options: options, shape: FrameShape(layout), framesPerBlock: layout.layers,
        directory: directory),
      catalog: try Catalog(directory: directory), layout: layout, model: model,
      modelName: modelName, vocabulary: 100, template: "llama3", directory: directory)
  }

  deinit { if isOwned { try? FileManager.default.removeItem(atPath: folder) } }

  static func root(
    in namespace: String, signature: String = signature, model: ModelDigest = model
  ) -> BlockIdentity {
    .root(model: model, layout: layout, signature: signature, namespace: namespace)
  }

  /// Holds a session of two exchanges, with a sequence of `tokens` tokens.
  ///
  /// - Parameters:
  ///   - impureFrom: the first block that another session took part in.
  ///   - isNoted: whether it is written down what its root stands for.
  @discardableResult
  func hold(
    _ name: String, in namespace: String = "mine", tokens count: Int = 55, seed: UInt64 = 1,
    impureFrom: Int = .max, isNoted: Bool = true
  ) throws -> KeptSession {
    var random = SeededGenerator(seed: seed)
    let new = NewSession(
      namespace: namespace, name: name,
      model: BlockIdentity(high: place.model.high, low: place.model.low),
      modelName: place.modelName, template: "chatml", created: 10)
    let session = try catalog.begin(new)!
    let root = Self.root(in: namespace, model: place.model)
    let tokens = random.tokens(count, below: 100)
    // The first exchange ends in the middle of the sequence.
    let whole = try put(
      tokens, root: root, session: session, namespace: namespace, impureFrom: impureFrom, &random)
    let length = Self.layout.blockLength
    let half = count / 2
    let first = KeptSequence(
      root: root, tokens: Array(tokens[..<half]), blocks: Array(whole.blocks.prefix(half / length)),
      tail: nil)
    _ = try catalog.setInstructions("You are \(name).", of: session.id, at: 11)
    _ = try catalog.append(
      question: "e\u{301} and é?", reply: "A zero \u{0} and more", sequence: first, to: session.id,
      at: 12)
    _ = try catalog.append(
      question: "Question two", reply: "", sequence: whole, settings: [7, 0, 255],
      to: session.id, at: 13)
    if isNoted { try catalog.note(Self.signature, of: root) }
    try tiers.flush()
    return try catalog.session(session.id)!
  }

  private func put(
    _ tokens: [TokenID], root: BlockIdentity, session: KeptSession, namespace: String,
    impureFrom: Int, _ random: inout SeededGenerator
  ) throws -> KeptSequence {
    let length = Self.layout.blockLength
    // The last token has no keys and values.
    let told = tokens.dropLast()
    var chain: [BlockIdentity] = []
    for start in stride(from: 0, to: told.count, by: length) {
      let part = told[start..<min(start + length, told.count)]
      let seen = chain.count < impureFrom ? [] : [BlockIdentity(high: 99, low: 99)]
      let parent = chain.last
      let identity = (parent ?? root).child(part, seeing: seen)
      let passage = Passage(
        session: session.memory, namespace: namespace, parent: parent, ordinal: chain.count,
        turn: chain.count / 2, time: 100 + Int64(chain.count), tokens: Array(part),
        vectors: (0..<64).map { _ in UInt16.random(in: 0...0x3FFF, using: &random) },
        scorer: .bounds)
      let bytes = Self.keysAndValues(&random)
      try tiers.put(
        identity,
        attributes: BlockAttributes(
          model: place.model.low, namespace: UInt64(naming: namespace), session: passage.sessionKey,
          cost: 1),
        metadata: passage.encoded(), frames: bytes.span.bytes)
      chain.append(identity)
    }
    let blocks = told.count / length
    return KeptSequence(
      root: root, tokens: tokens, blocks: Array(chain.prefix(blocks)),
      tail: chain.count > blocks ? chain.last : nil)
  }

  /// A block of numbers as a model has them; padding is zero.
  private static func keysAndValues(_ random: inout SeededGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    func put(_ number: Float16) {
      bytes.append(UInt8(truncatingIfNeeded: number.bitPattern))
      bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> 8))
    }
    let rows = layout.kvHeads * layout.blockLength
    for _ in 0..<layout.layers {
      for _ in 0..<rows * layout.headDimension { put(Float16.random(in: -2...2, using: &random)) }
      for _ in 0..<rows {
        for channel in 0..<layout.valueStride {
          put(channel < layout.headDimension ? Float16.random(in: -2...2, using: &random) : 0)
        }
      }
    }
    return bytes
  }

  // MARK: - Looking

  func bytes(of identity: BlockIdentity) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: place.layout.blockByteCount)
    var numbers = bytes.mutableSpan
    var span = numbers.mutableBytes
    _ = try tiers.copyBlock(identity, into: &span)
    return bytes
  }

  func passage(_ identity: BlockIdentity) -> Passage? {
    tiers.metadata(of: identity).flatMap(Passage.init(encoded:))
  }

  var blockCount: Int {
    var count = 0
    tiers.forEachBlock { _ in count += 1 }
    return count
  }

  // MARK: - Exporting and importing

  func export(_ session: KeptSession, as form: SnapshotForm = .exact) throws -> [UInt8] {
    let sink = ArraySink()
    _ = try SnapshotExport(session.id, as: form, from: place).write(to: sink)
    return sink.bytes
  }

  /// Imports from a file with these bytes.
  @discardableResult
  func `import`(
    _ bytes: [UInt8], as name: String? = nil, in namespace: String? = nil, isTextOnly: Bool = false,
    onProgress: @escaping (Int, Int) -> Void = { _, _ in },
    isCancelled: @escaping () -> Bool = { false }
  ) throws -> SnapshotImport.Result {
    try SnapshotFile.with(bytes) { file in
      let opened = try OpenedSnapshot(SnapshotSource(file, name: "a file"))
      return try SnapshotImport(
        into: place, as: name ?? opened.header.name,
        namespace: namespace ?? opened.header.namespace,
        isTextOnly: isTextOnly
      ).run(opened, onProgress: onProgress, isCancelled: isCancelled)
    }
  }
}

/// A snapshot in memory.
final class ArraySink: SnapshotSink {
  private(set) var bytes: [UInt8] = []
  func write(_ bytes: [UInt8]) { self.bytes += bytes }
}

/// A file without a name.
enum SnapshotFile {
  static func with<R>(_ bytes: [UInt8], _ body: (Int32) throws -> R) throws -> R {
    let file = tmpfile()!
    defer { fclose(file) }
    let descriptor = fileno(file)
    try DescriptorSink(descriptor, name: "a file").write(bytes)
    lseek(descriptor, 0, SEEK_SET)
    return try body(descriptor)
  }
}
