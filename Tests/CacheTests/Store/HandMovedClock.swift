import Cache
import Foundation

/// A clock that stands still until it is told otherwise.
final class HandMovedClock: @unchecked Sendable {
  private let lock = NSLock()
  private var nanoseconds: UInt64 = 1_700_000_000_000_000_000

  var clock: StoreClock { StoreClock(now: { self.now }, wall: { self.now }) }

  private var now: UInt64 { lock.withLock { nanoseconds } }

  func advance(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    lock.withLock {
      nanoseconds += UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
  }
}

func readFile(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}

func writeFile(_ path: String, _ bytes: [UInt8]) throws {
  try Data(bytes).write(to: URL(filePath: path))
}

func contains(_ needle: [UInt8], in bytes: [UInt8]) -> Bool {
  Data(bytes).range(of: Data(needle)) != nil
}

func removeFile(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }
