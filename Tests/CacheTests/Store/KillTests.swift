import Cache
import Foundation
import Testing

@Suite("Store of a process that is killed")
struct KillTests {
  private typealias World = StoreWorld

  @Test("Killed at any moment, every flushed block is there, whole", .timeLimit(.minutes(1)))
  func kill() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-kill-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var flushed = 0
    for round in 0..<12 {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [folder = folder as String, round = round as Int] in
        try KillTests.work(in: folder, round: round)
      }
      let store = try World.store(Self.options, in: folder)
      #expect(store.takeReports().allSatisfy { $0.kind == .tornTail })
      // Every flush was noted, after it had returned.
      let notes = try readFile(folder + "/flushed").split(separator: 10)
      flushed = notes.count
      for note in notes {
        let number = try #require(Int(String(decoding: note, as: UTF8.self)))
        #expect(try store.read(number) == World.bytes(number), "round \(round)")
      }
    }
    #expect(flushed >= 12)
  }

  private static var options: StoreOptions {
    var options = World.options(exactBlocks: 4, packedBlocks: 4)
    options.segmentBytes = 64 * World.blockBytes
    options.codec = .exact
    options.hasThreads = true
    return options
  }

  /// Puts and flushes until it is killed, a few milliseconds after the first flush.
  fileprivate static func work(in folder: String, round: Int) throws {
    let store = try World.store(options, in: folder)
    let notes = open(folder + "/flushed", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var number = round * 100_000
    while true {
      for _ in 0..<3 {
        try store.put(number)
        number += 1
      }
      // Something to compact, now and then.
      if number % 15 == 0 { try store.forget(.block(World.identity(number - 1))) }
      try store.flush()
      let names = [number - 3, number - 2].map { "\($0)\n" }.joined()
      _ = names.withCString { write(notes, $0, strlen($0)) }
      if number == round * 100_000 + 3 {
        let delay = UInt32.random(in: 0..<20_000)
        Thread.detachNewThread {
          usleep(delay)
          Foundation.kill(getpid(), SIGKILL)
        }
      }
    }
  }
}
