import Cache
import Foundation
import Testing

@Suite("Store of a process that is killed")
struct KillTests {
  private typealias World = StoreWorld

  @Test(
    "Killed at any moment, every flushed block is there, whole, and what was forgotten is not",
    .timeLimit(.minutes(10)))
  func kill() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-kill-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var (flushed, forgotten) = (0, 0)
    for round in 0..<(LongTests.areOn ? 300 : 12) {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [folder = folder as String, round = round as Int] in
        try KillTests.work(in: folder, round: round)
      }
      let store = try World.store(Self.options, in: folder)
      let reports = store.takeReports()
      #expect(
        reports.allSatisfy { [.tornTail, .strayFile].contains($0.kind) },
        "round \(round): \(reports)")
      // Each flush and each forgetting was noted, after it had returned.
      (flushed, forgotten) = (0, 0)
      for note in try readFile(folder + "/notes").split(separator: 10) {
        let number = try #require(Int(String(decoding: note, as: UTF8.self)))
        if number > 0 {
          #expect(try store.read(number) == World.bytes(number), "round \(round)")
          flushed += 1
        } else {
          #expect(!store.has(-number), "round \(round): block \(-number) is back")
          forgotten += 1
        }
      }
      #expect(store.violations() == [], "round \(round)")
    }
    #expect(flushed >= 12)
    #expect(forgotten >= 1)
  }

  private static var options: StoreOptions {
    var options = World.options(exactBlocks: 4, packedBlocks: 4)
    options.segmentBytes = 64 * World.blockBytes
    options.codec = .exact
    options.hasThreads = true
    return options
  }

  /// Puts, flushes and forgets until it is killed, a few milliseconds after the first flush.
  fileprivate static func work(in folder: String, round: Int) throws {
    let store = try World.store(options, in: folder)
    let notes = open(folder + "/notes", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    func note(_ numbers: [Int]) {
      let lines = numbers.map { "\($0)\n" }.joined()
      _ = lines.withCString { write(notes, $0, strlen($0)) }
    }
    var number = round * 100_000 + 1
    let first = number
    while true {
      for _ in 0..<3 {
        try store.put(number)
        number += 1
      }
      try store.flush()
      note([number - 3, number - 2])
      if number == first + 3 {
        let delay = UInt32.random(in: 0..<20_000)
        Thread.detachNewThread {
          usleep(delay)
          Foundation.kill(getpid(), SIGKILL)
        }
      }
      // Its segment is compacted, and every third time one of an earlier life.
      if number % 2 == 0 {
        try store.forget(.block(World.identity(number - 1)))
        note([1 - number])
      }
    }
  }
}
