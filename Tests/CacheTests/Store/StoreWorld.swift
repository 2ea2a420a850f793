import Cache
import Foundation
import TestSupport
import Testing

/// Small blocks whose bytes follow from their identity, and stores for them.
enum StoreWorld {
  /// 256 bytes a frame.
  static let shape = FrameShape(heads: 1, dimension: 8, tokens: 8, valueStride: 8, elementBytes: 2)
  static let framesPerBlock = 4
  static var blockBytes: Int { shape.byteCount * framesPerBlock }

  static func identity(_ number: Int) -> BlockIdentity {
    BlockIdentity(high: UInt64(number), low: UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// The frames of block `number`: no other has the same.
  static func bytes(_ number: Int) -> [UInt8] {
    var random = SeededGenerator(seed: UInt64(number) &+ 77)
    var bytes: [UInt8] = []
    for _ in 0..<blockBytes / 8 {
      withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  static func attributes(_ number: Int) -> BlockAttributes {
    BlockAttributes(
      model: 1, namespace: UInt64(number % 2), session: UInt64(number % 5), cost: 10,
      memory: MemoryKind(rawValue: UInt8(number % 3)) ?? .episodic)
  }

  static func metadata(_ number: Int) -> [UInt8] { Array("block \(number)".utf8) }

  static func options(
    exactBlocks: Int = 8, packedBlocks: Int = 8, diskBytes: Int = 1 << 30
  ) -> StoreOptions {
    var options = StoreOptions()
    options.exactBytes = exactBlocks * blockBytes
    options.packedBytes = packedBlocks * blockBytes
    options.diskBytes = diskBytes
    options.reserve = framesPerBlock
    options.segmentBytes = 1 << 20
    options.codec = .raw
    // Its order is plain to see.
    options.exactPolicy = .lru
    options.diskPolicy = .lru
    options.hasThreads = false
    return options
  }

  static func store(
    _ options: StoreOptions = options(), in directory: String?, disk: any Disk = SystemDisk(),
    clock: StoreClock = .system
  ) throws -> TieredStore {
    try TieredStore(
      options: options, shape: shape, framesPerBlock: framesPerBlock, directory: directory,
      disk: disk, clock: clock)
  }

  /// A folder that is removed afterwards.
  static func withFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-store-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  /// The segment files of a store's folder, in order.
  static func segments(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder + "/segments")
      .filter { $0.hasSuffix(".seg") }.sorted().map { "\(folder)/segments/\($0)" }
  }
}

extension TieredStore {
  @discardableResult
  func put(_ number: Int) throws -> PutResult {
    let bytes = StoreWorld.bytes(number)
    return try put(
      StoreWorld.identity(number), attributes: StoreWorld.attributes(number),
      metadata: StoreWorld.metadata(number), frames: bytes.span.bytes)
  }

  /// The bytes of a block, wherever they are.
  func read(_ number: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: StoreWorld.blockBytes)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    _ = try copyBlock(StoreWorld.identity(number), into: &raw)
    return bytes
  }

  func has(_ number: Int) -> Bool { contains(StoreWorld.identity(number)) }
}
