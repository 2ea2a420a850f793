internal import Foundation
internal import Synchronization

/// Between the monitor and the compute thread: how hard to work, and how it went. Atomics alone, so
/// that a decode step neither waits nor allocates for it.
package final class Pace: Sendable {
  private let threadCount: Atomic<Int>
  /// Share of the time to stay idle, in thousandths.
  private let idleness = Atomic<Int>(0)
  private let tokens = Atomic<Int>(0)
  private let busyNanoseconds = Atomic<Int>(0)
  private let decodeNanoseconds = Atomic<Int>(0)
  private let decodeBytes = Atomic<Int>(0)

  package init(threads: Int) { threadCount = Atomic(threads) }

  /// Totals since the engine was made.
  struct Work {
    var tokens = 0
    /// Time spent computing, in seconds.
    var busy = 0.0
    /// Time spent on single tokens, in seconds, and the bytes of weights and cache they read.
    var decode = 0.0
    var bytes = 0.0
  }

  // MARK: - The monitor's side

  package func set(threads: Int, pause: Double) {
    threadCount.store(threads, ordering: .relaxed)
    idleness.store(Int(pause * 1000), ordering: .relaxed)
  }

  var work: Work {
    Work(
      tokens: tokens.load(ordering: .relaxed),
      busy: Double(busyNanoseconds.load(ordering: .relaxed)) / 1e9,
      decode: Double(decodeNanoseconds.load(ordering: .relaxed)) / 1e9,
      bytes: Double(decodeBytes.load(ordering: .relaxed)))
  }

  // MARK: - The compute thread's side

  var threads: Int { threadCount.load(ordering: .relaxed) }

  /// A token was told.
  func noteToken() { tokens.add(1, ordering: .relaxed) }

  /// A pass has read a part of a prompt.
  func noteReading(_ duration: Duration) {
    busyNanoseconds.add(Self.nanoseconds(duration), ordering: .relaxed)
  }

  /// A pass has made tokens.
  ///
  /// - Parameter bytes: what it has read; nil where its time tells nothing of the machine.
  func noteDecoding(_ duration: Duration, reading bytes: Int?) {
    let nanoseconds = Self.nanoseconds(duration)
    busyNanoseconds.add(nanoseconds, ordering: .relaxed)
    guard let bytes else { return }
    decodeNanoseconds.add(nanoseconds, ordering: .relaxed)
    decodeBytes.add(bytes, ordering: .relaxed)
  }

  /// Stays idle for as long as is asked after a step of `duration`.
  ///
  /// - Returns: false while work is to stop altogether, after a moment.
  func rest(after duration: Duration) -> Bool {
    let idle = idleness.load(ordering: .relaxed)
    guard idle < 1000 else {
      Thread.sleep(forTimeInterval: 0.02)
      return false
    }
    guard idle > 0 else { return true }
    let share = Double(idle) / 1000
    Thread.sleep(forTimeInterval: min(1, duration / .seconds(1) * share / (1 - share)))
    return true
  }

  private static func nanoseconds(_ duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
  }
}
