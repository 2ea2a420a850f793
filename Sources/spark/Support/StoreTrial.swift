import Cache
import Glibc

/// A block store filled with made-up blocks, and what each of its tiers costs.
///
/// Numbers are drawn from normal distributions, a channel's keys with a scale of their own: they compress
/// about as little as a model's. A frame is timed with everything that a caller waits for.
struct StoreTrial {
  var shape = FrameShape(heads: 8, dimension: 64, tokens: 64, valueStride: 64, elementBytes: 2)
  var framesPerBlock = 16
  var blocks = 64
  var codec = FrameCodec.exact
  var mapsSegments = true
  /// What one step of the model takes, and the frames that it asks for.
  var step = Duration.milliseconds(20)
  var framesPerStep = 8
  var steps = 60
  /// Where files are written.
  var folder: String

  /// Figures of one operation.
  struct Record: Encodable {
    var test: String
    var unit: String
    var median: Double
    var mean: Double
    /// The 5th and the 95th percentile.
    var low: Double
    var high: Double
    var samples: Int
  }

  private let clock = ContinuousClock()

  init(folder: String) { self.folder = folder }

  var frameBytes: Int { shape.byteCount }
  var blockBytes: Int { frameBytes * framesPerBlock }
  private var frameMebibytes: Double { Double(frameBytes) / 1_048_576 }

  /// Measures everything, and passes each figure on as soon as it is there.
  func run(_ report: (Record) throws -> Void) throws {
    let source = frames()
    try measureLookups(source, report)
    try measurePacked(source, report)
    try fill(folder + "/read", source, report)
    for isCold in [false, true] { try measureDisk(isCold: isCold, report) }
    for isCold in [false, true] { try measurePrefetch(isCold: isCold, report) }
    try measureWriting(source, report)
  }

  // MARK: - Tiers

  /// L1: what recall pays for each frame that is where attention reads it.
  private func measureLookups(_ source: [[UInt8]], _ report: (Record) throws -> Void) throws {
    let store = try open(exactBlocks: blocks + blocks / 4, packedBytes: 0)
    try put(source, to: store)
    let keys = shuffledKeys()
    func perKey(_ name: String, _ body: (FrameKey) -> Void) throws {
      let samples = (0..<200).map { _ in
        clock.measure { for key in keys { body(key) } } / .microseconds(1) / Double(keys.count)
      }
      try report(record(name, "µs", samples))
    }
    try perKey("L1: lend and give back a frame") { key in
      if let frame = store.lend(key) { store.giveBack(frame) }
    }
    try perKey("L1: prefetch a frame that is there") { store.prefetch($0) }
    let unknown = keys.map { FrameKey(block: identity(1 << 40), frame: $0.frame) }
    try perKey("L1: look up a frame that no tier has") { key in
      _ = store.lend(FrameKey(block: unknown[0].block, frame: key.frame))
    }
  }

  /// L2: decoding from memory.
  private func measurePacked(_ source: [[UInt8]], _ report: (Record) throws -> Void) throws {
    let store = try open(exactBlocks: 4, packedBytes: 2 * blocks * blockBytes)
    try put(source, to: store)
    try report(record("L2: compression", "ratio", [store.statistics().compressionRatio]))
    try report(record("L2: fetch", "ms/MiB", try fetchTimes(of: shuffledKeys(), from: store)))
  }

  /// Puts every block into a folder's segments.
  private func fill(
    _ path: String, _ source: [[UInt8]], _ report: (Record) throws -> Void
  ) throws {
    let store = try open(exactBlocks: blocks + blocks / 4, packedBytes: 0, path)
    var puts: [Double] = []
    for number in 0..<blocks {
      let time = try clock.measure { try put(number, source, to: store) }
      puts.append(time / .milliseconds(1) / (Double(blockBytes) / 1_048_576))
    }
    try report(record("L1: put", "ms/MiB", puts))
    let time = try clock.measure { try store.flush() }
    let mebibytes = Double(blocks * blockBytes) / 1_048_576
    try report(
      record(
        "L3: flush, encoding and sync included", "ms/MiB", [time / .milliseconds(1) / mebibytes]))
    try store.close()
  }

  /// L3: reading a segment, both checksums and decoding.
  private func measureDisk(isCold: Bool, _ report: (Record) throws -> Void) throws {
    if isCold { dropPageCache() }
    let store = try open(exactBlocks: 4, packedBytes: 0, folder + "/read")
    let times = try fetchTimes(of: shuffledKeys(), from: store)
    try report(record("L3: fetch, page cache \(isCold ? "cold" : "warm")", "ms/MiB", times))
    try store.close()
  }

  private func fetchTimes(of keys: [FrameKey], from store: TieredStore) throws -> [Double] {
    var times: [Double] = []
    for key in keys where store.tier(of: key) != .exact {
      let time = try clock.measure { store.giveBack(try store.fetch(key)) }
      times.append(time / .milliseconds(1) / frameMebibytes)
      store.settle()
    }
    return times
  }

  // MARK: - Prefetching

  /// Steps that ask for frames on disk, first when they need them, then also one step ahead.
  private func measurePrefetch(isCold: Bool, _ report: (Record) throws -> Void) throws {
    let cache = isCold ? "cold" : "warm"
    var waits: [[Double]] = []
    for looksAhead in [false, true] {
      if isCold { dropPageCache() }
      let store = try open(
        exactBlocks: 8, packedBytes: 0, folder + "/read", hasThreads: true)
      let keys = shuffledKeys()
      func wanted(_ step: Int) -> [FrameKey] {
        (0..<framesPerStep).map { keys[(step * framesPerStep + $0) % keys.count] }
      }
      var wait: [Double] = []
      for step in 0..<steps {
        let time = try clock.measure {
          let frames = try wanted(step).map { try store.fetch($0) }
          for frame in frames { store.giveBack(frame) }
        }
        if step > 0 { wait.append(time / .milliseconds(1)) }
        if looksAhead { store.prefetch(wanted(step + 1)) }
        compute(for: self.step)
      }
      waits.append(wait)
      let name = looksAhead ? "one step ahead" : "when needed"
      try report(record("prefetch: wait of a step, asked \(name), \(cache)", "ms", wait))
      if looksAhead {
        let (onTime, late) = (
          store.statistics().prefetches.onTime, store.statistics().prefetches.late
        )
        let share = 100 * Double(onTime) / Double(max(1, onTime + late))
        try report(record("prefetch: on time, \(cache)", "%", [share]))
      }
      try store.close()
    }
    let sums = waits.map { $0.reduce(0, +) }
    try report(record("prefetch: latency hidden, \(cache)", "%", [100 * (1 - sums[1] / sums[0])]))
  }

  /// Keeps this thread as busy as a model would.
  private func compute(for time: Duration) {
    let end = clock.now + time
    while clock.now < end {}
  }

  // MARK: - Writing

  /// Four times the disk's budget of new blocks, some of which are used again, and a fifth forgotten.
  private func measureWriting(_ source: [[UInt8]], _ report: (Record) throws -> Void) throws {
    let budget = max(16, blocks) * blockBytes
    let store = try open(
      exactBlocks: 8, packedBytes: 4 * blockBytes, folder + "/write", diskBytes: budget,
      segmentBytes: budget / 8)
    let count = 4 * budget / blockBytes
    var writing = Duration.zero
    for number in 0..<count {
      writing += try clock.measure {
        try put(number, source, to: store)
        store.settle()
        if number % 8 == 7 { try store.flush() }
      }
      // One in four is asked for over and over.
      for _ in 0..<2 {
        let hot = Int(UInt64(number &* 7 + 1).digest % UInt64(number / 4 + 1)) * 4
        let key = FrameKey(block: identity(hot), frame: 0)
        if store.tier(of: key) != nil { store.giveBack(try store.fetch(key)) }
      }
    }
    try store.flush()
    let full = store.statistics()
    try report(
      record("writing to a full budget: amplification", "ratio", [full.writeAmplification]))
    let mebibytes = Double(count * blockBytes) / 1_048_576
    try report(
      record(
        "writing to a full budget: all work", "ms/MiB",
        [writing / .milliseconds(1) / mebibytes]))
    _ = try store.invalidate { identity, _ in identity.low % 5 == 0 }
    let before = store.statistics()
    let time = try clock.measure { try store.idle(for: .seconds(600)) }
    let after = store.statistics()
    try report(
      record("idle: segments compacted", "count", [Double(after.compactions - before.compactions)]))
    let freed = Double(before.segmentBytes - after.segmentBytes) / 1_048_576
    if freed > 0 {
      try report(record("idle: compaction", "ms/MiB freed", [time / .milliseconds(1) / freed]))
    }
    try store.close()
  }

  // MARK: - Blocks

  private func open(
    exactBlocks: Int, packedBytes: Int, _ path: String? = nil, diskBytes: Int = 1 << 40,
    segmentBytes: Int? = nil, hasThreads: Bool = false
  ) throws -> TieredStore {
    var options = StoreOptions()
    options.exactBytes = exactBlocks * blockBytes
    options.packedBytes = packedBytes
    options.diskBytes = diskBytes
    options.segmentBytes = segmentBytes
    options.codec = codec
    options.mapsSegments = mapsSegments
    options.hasThreads = hasThreads
    options.writeBytesPerSecond = nil
    options.writeBytesPerDay = nil
    return try TieredStore(
      options: options, shape: shape, framesPerBlock: framesPerBlock, directory: path)
  }

  private func put(_ source: [[UInt8]], to store: TieredStore) throws {
    for number in 0..<blocks {
      try put(number, source, to: store)
      store.settle()
    }
  }

  private func put(_ number: Int, _ source: [[UInt8]], to store: TieredStore) throws {
    let attributes = BlockAttributes(model: 1, namespace: 1, session: 1, cost: 100)
    let bytes = source[number % source.count]
    try unsafe store.put(
      identity(number), attributes: attributes, metadata: [], frames: bytes.span.bytes)
  }

  private func identity(_ number: Int) -> BlockIdentity {
    BlockIdentity(high: UInt64(number).digest, low: UInt64(number))
  }

  /// Every frame, in an order that no read-ahead guesses.
  private func shuffledKeys() -> [FrameKey] {
    let keys = (0..<blocks).flatMap { block in
      (0..<framesPerBlock).map { FrameKey(block: identity(block), frame: UInt16($0)) }
    }
    return keys.sorted { $0.digest.digest < $1.digest.digest }
  }

  /// A few different blocks' bytes: more would only take longer to make.
  private func frames() -> [[UInt8]] {
    var state: UInt64 = 1
    func uniform() -> Double {
      state &+= 1
      return Double(state.digest >> 11) * 0x1p-53
    }
    return (0..<2).map { _ in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(blockBytes)
      for _ in 0..<framesPerBlock {
        var scales: [Double] = []
        for _ in 0..<shape.heads * shape.dimension { scales.append(exp(2 * uniform() - 1)) }
        for number in 0..<(shape.keyCount + shape.valueCount) {
          let scale = number < shape.keyCount ? scales[number / shape.tokens] : 0.5
          // Close to normal: the sum of a few uniform numbers.
          let value = (uniform() + uniform() + uniform() + uniform() - 2) * 1.7 * scale
          let bits = Float16(value).bitPattern
          bytes.append(UInt8(truncatingIfNeeded: bits))
          bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
        }
      }
      return bytes
    }
  }

  /// Asks the kernel to forget what it holds of the segments.
  private func dropPageCache() {
    let path = folder + "/read/segments"
    guard let names = try? SystemDisk().list(path) else { return }
    for name in names {
      let file = unsafe Glibc.open("\(path)/\(name)", O_RDONLY)
      guard file >= 0 else { continue }
      _ = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
      close(file)
    }
  }

  private func record(_ test: String, _ unit: String, _ samples: [Double]) -> Record {
    let sorted = samples.sorted()
    func quantile(_ share: Double) -> Double {
      sorted.isEmpty ? .nan : sorted[Int((Double(sorted.count - 1) * share).rounded())]
    }
    return Record(
      test: test, unit: unit, median: quantile(0.5),
      mean: samples.reduce(0, +) / Double(max(1, samples.count)), low: quantile(0.05),
      high: quantile(0.95),
      samples: samples.count)
  }
}
