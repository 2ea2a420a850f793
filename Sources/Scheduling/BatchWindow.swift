/// Collects submissions that come one by one, so that they begin together.
///
/// The first one opens the window. A batch is due when it has `size` submissions, when `wait` has passed
/// since the oldest of them, or when nobody is left who could add one: then waiting gains nothing.
/// A batch that is taken late has as many as came, up to `ceiling`; the others open the next window
/// with their own times.
package struct BatchWindow: Sendable {
  /// Submissions that are not kept waiting for more.
  package let size: Int
  /// Nanoseconds that the oldest waits at most.
  package let wait: UInt64
  /// The most in one batch.
  package let ceiling: Int

  private var waiting: [(id: UInt64, time: UInt64)] = []

  package init(size: Int = 8, wait: UInt64 = 50_000_000, ceiling: Int = 64) {
    precondition(size > 0, "A batch needs at least one submission.")
    precondition(ceiling >= size, "A batch of \(size) exceeds the ceiling of \(ceiling).")
    self.size = size
    self.wait = wait
    self.ceiling = ceiling
  }

  /// When the batch is due even if nothing more comes, in nanoseconds; nil without submissions.
  package var dueTime: UInt64? {
    guard let first = waiting.first else { return nil }
    let (time, isLate) = first.time.addingReportingOverflow(wait)
    return isLate ? .max : time
  }

  /// - Parameter now: nanoseconds, never earlier than the last.
  package mutating func add(_ id: UInt64, at now: UInt64) {
    precondition(waiting.last.map { $0.time <= now } ?? true, "A batch's clock went backwards.")
    waiting.append((id, now))
  }

  /// Takes back a submission that has not gone; false if there is none.
  @discardableResult
  package mutating func remove(_ id: UInt64) -> Bool {
    guard let place = waiting.firstIndex(where: { $0.id == id }) else { return false }
    waiting.remove(at: place)
    return true
  }

  /// Whether to go.
  ///
  /// - Parameter others: calls in flight that wait for nothing here, and so could still add one. 0 means
  ///   that everything in flight waits for this batch.
  package func isDue(at now: UInt64, others: Int) -> Bool {
    guard let dueTime else { return false }
    return waiting.count >= size || now >= dueTime || others <= 0
  }

  /// The batch, oldest first, into storage that is used again.
  package mutating func take(into batch: inout [UInt64]) {
    batch.removeAll(keepingCapacity: true)
    let count = min(waiting.count, ceiling)
    for submission in waiting.prefix(count) { batch.append(submission.id) }
    waiting.removeFirst(count)
  }
}
