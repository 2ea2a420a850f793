import Cache
import Dispatch
import Foundation
import TestSupport
import Testing

@Suite("Store under load")
struct ConcurrencyTests {
  private typealias World = StoreWorld

  @Test("Eight threads that put, lend, prefetch, forget, flush and shrink never see a wrong byte")
  func hammer() throws {
    try World.withFolder { folder in
      var options = World.options(diskBytes: 60 * World.blockBytes)
      options.segmentBytes = 10 * World.blockBytes
      options.hasThreads = true
      options.codec = .exact
      let store = try World.store(options, in: folder)
      let failures = Failures()
      DispatchQueue.concurrentPerform(iterations: 8) { worker in
        var random = SeededGenerator(seed: UInt64(worker))
        for step in 0..<(LongTests.areOn ? 20_000 : 1_000) {
          let number = Int.random(in: 0..<90, using: &random)
          do {
            try Self.act(Int.random(in: 0..<40, using: &random), number, store, &random, failures)
          } catch let error as StoreError {
            // Blocks come and go, and slots may all be lent for a moment.
            if error.code != .missing, error.code != .busy {
              failures.add("worker \(worker), step \(step): \(error)")
            }
          } catch {
            failures.add("\(error)")
          }
        }
      }
      #expect(failures.all == [])
      store.settle()
      #expect(store.violations() == [])
      #expect(store.takeReports() == [])
      #expect(store.statistics().lentFrames == 0)
      try store.close()
      let reopened = try World.store(options, in: folder)
      for number in (0..<90).filter(reopened.has) {
        #expect(try reopened.read(number) == World.bytes(number))
      }
    }
  }

  private static func act(
    _ action: Int, _ number: Int, _ store: TieredStore, _ random: inout SeededGenerator,
    _ failures: Failures
  ) throws {
    let frame = Int.random(in: 0..<World.framesPerBlock, using: &random)
    let key = FrameKey(block: World.identity(number), frame: UInt16(frame))
    let size = World.shape.byteCount
    switch action {
    case 0..<12: try store.put(number)
    case 12..<24:
      let lent = action % 2 == 0 ? store.lend(key) : try store.fetch(key)
      guard let lent else { return }
      let expected = World.bytes(number)[frame * size..<(frame + 1) * size]
      if !lent.bytes.elementsEqual(expected) { failures.add("frame \(key) has wrong bytes") }
      store.giveBack(lent)
    case 24..<30:
      let block = World.identity(number)
      store.prefetch(
        (0..<World.framesPerBlock).map { FrameKey(block: block, frame: UInt16($0)) },
        within: .milliseconds(20))
    case 30..<34:
      if try store.read(number) != World.bytes(number) { failures.add("block \(number) is wrong") }
    case 34: try store.invalidate(.block(World.identity(number)))
    case 35: try store.flush()
    case 36: store.adapt(toShare: Double.random(in: 0.3...1, using: &random))
    case 37: try store.idle(for: .milliseconds(1))
    case 38:
      if store.pin(World.identity(number)) { store.unpin(World.identity(number)) }
    default: _ = store.statistics()
    }
  }

  private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var messages: [String] = []
    func add(_ message: String) { lock.withLock { messages.append(message) } }
    var all: [String] { lock.withLock { messages } }
  }
}
