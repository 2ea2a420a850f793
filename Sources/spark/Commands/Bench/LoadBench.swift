import Foundation
import Generation
import Synchronization

/// Many readers at once, for as long as one likes: prompts and replies of mixed lengths, some cancelled in the
/// middle, and every now and then an urgent one.
struct LoadBench: Sendable {
  var engine: Engine
  var streams: Int
  var duration: Duration
  var seed: UInt64

  /// What the readers have seen.
  struct Report: Sendable {
    /// Milliseconds to the first token, and between tokens.
    var firstToken = TimeHistogram()
    var gaps = TimeHistogram()
    var urgentFirstToken = TimeHistogram()
    /// The same for urgent ones while nothing else runs.
    var unloadedFirstToken = TimeHistogram()
    var replies = 0
    var cancelled = 0
    var tokens = 0
    /// Bytes in memory at each tenth of the time.
    var resident: [Int] = []
  }

  /// Where all readers write it down.
  private final class Book: Sendable {
    private let report = Mutex(Report())

    func withLock<R>(_ body: (inout Report) -> R) -> R { report.withLock { body(&$0) } }
  }

  /// Tokens of an urgent prompt and reply.
  private static let urgentTokens = (prompt: 384, reply: 16)

  func run(onTenth: @Sendable (Report) throws -> Void) async throws -> Report {
    let report = Book()
    try await engine.warmup()
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20 {
      try await read(
        prompt: Self.urgentTokens.prompt, reply: Self.urgentTokens.reply, priority: .urgent,
        random: random.next(), leavesAfter: nil
      ) { time, isFirst in
        if isFirst { report.withLock { $0.unloadedFirstToken.add(time) } }
      }
    }
    let end = ContinuousClock.now + duration
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<streams {
        let seed = random.next()
        group.addTask { try await readOn(until: end, seed: seed, report) }
      }
      let seed = random.next()
      group.addTask { try await ask(until: end, seed: seed, report) }
      for tenth in 1...10 {
        try await Task.sleep(until: end - duration * (10 - tenth) / 10)
        let resident = await engine.measureMemory().resident
        let now = report.withLock { report in
          report.resident.append(resident ?? 0)
          return report
        }
        try onTenth(now)
      }
      try await group.waitForAll()
    }
    return report.withLock { $0 }
  }

  /// One reader after another, as long as there is time.
  private func readOn(
    until end: ContinuousClock.Instant, seed: UInt64, _ report: Book
  ) async throws {
    var random = SeededGenerator(seed: seed)
    while ContinuousClock.now < end {
      let reply = Int.random(in: 1...256, using: &random)
      let leaves =
        Int.random(in: 0..<5, using: &random) == 0 ? Int.random(in: 0...reply, using: &random) : nil
      try await read(
        prompt: Int.random(in: 4...600, using: &random), reply: reply, priority: .normal,
        random: random.next(), leavesAfter: leaves
      ) { time, isFirst in
        report.withLock { report in
          report.tokens += 1
          isFirst ? report.firstToken.add(time) : report.gaps.add(time)
        }
      }
      report.withLock { $0.replies += 1 }
      if leaves != nil { report.withLock { $0.cancelled += 1 } }
    }
  }

  /// An urgent question about twice a second.
  private func ask(
    until end: ContinuousClock.Instant, seed: UInt64, _ report: Book
  ) async throws {
    var random = SeededGenerator(seed: seed)
    while ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(Int.random(in: 200...800, using: &random)))
      try await read(
        prompt: Self.urgentTokens.prompt, reply: Self.urgentTokens.reply, priority: .urgent,
        random: random.next(), leavesAfter: nil
      ) { time, isFirst in
        if isFirst { report.withLock { $0.urgentFirstToken.add(time) } }
      }
    }
  }

  /// - Parameters:
  ///   - leavesAfter: tokens after which the reader leaves without a word; nil: it reads to the end.
  ///   - tell: called with the milliseconds that each token has taken, and whether it is the first.
  private func read(
    prompt: Int, reply: Int, priority: Priority, random: UInt64, leavesAfter: Int?,
    _ tell: (_ milliseconds: Double, _ isFirst: Bool) -> Void
  ) async throws {
    let size = UInt64(engine.tokenizer.vocabularySize)
    let tokens = (0..<prompt).map { TokenID((UInt64($0 + 1) &* 7919 &+ random % 1_000_003) % size) }
    var options = GenerationOptions(
      maxTokens: reply, ignoresEndTokens: true, seed: random,
      memory: MemoryOptions(scope: .none), priority: priority)
    options.drafts.mode = .off
    options.usesMemo = false
    if leavesAfter == 0 { return }
    var last = ContinuousClock.now
    var count = 0
    for try await event in try engine.stream(.tokens(tokens), options: options) {
      guard case .token = event else { continue }
      let now = ContinuousClock.now
      tell((now - last) / .milliseconds(1), count == 0)
      last = now
      count += 1
      if count == leavesAfter { return }
    }
  }
}

/// How often times were about so long, in room that does not grow: they are told apart by 2%.
struct TimeHistogram: Sendable {
  private var counts = [Int](repeating: 0, count: 1024)
  private var total = 0
  private(set) var most = 0.0

  /// Milliseconds in the first bucket.
  private static let least = 0.001

  mutating func add(_ milliseconds: Double) {
    let bucket = log(max(milliseconds, Self.least) / Self.least) / log(1.02)
    counts[min(counts.count - 1, Int(bucket))] += 1
    total += 1
    most = max(most, milliseconds)
  }

  /// The time below which `share` of all lie; not a number when there are none.
  func percentile(_ share: Double) -> Double {
    var below = 0
    for (bucket, count) in counts.enumerated() where count > 0 {
      below += count
      if Double(below) >= share * Double(total) {
        return min(most, Self.least * pow(1.02, Double(bucket) + 0.5))
      }
    }
    return .nan
  }
}
