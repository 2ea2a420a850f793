internal import Foundation

/// One thread that runs an actor's jobs: forward passes take milliseconds and would starve the
/// shared pool of every other task.
///
/// It is `Sendable`, unchecked: all it holds is a mailbox, which guards itself.
final class ComputeThread: SerialExecutor, @unchecked Sendable {
  /// What is to be run. Apart from the executor, so that the thread keeps the jobs alive and not the executor.
  ///
  /// `NSCondition` and not `Mutex`: ThreadSanitizer sees what it orders, and would report every job otherwise.
  private final class Mailbox: @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []
    private var isClosed = false

    func put(_ job: UnownedJob) {
      condition.withLock { jobs.append(job) }
      condition.signal()
    }

    /// Waits for a job. Nil: there will be none.
    func take() -> UnownedJob? {
      condition.withLock {
        while jobs.isEmpty, !isClosed { condition.wait() }
        return jobs.isEmpty ? nil : jobs.removeFirst()
      }
    }

    func close() {
      condition.withLock { isClosed = true }
      condition.signal()
    }
  }

  private let mailbox = Mailbox()

  /// - Parameter begin: called first on the thread.
  init(name: String, begin: @escaping @Sendable () -> Void = {}) {
    let mailbox = mailbox
    let unowned = unsafe UnownedSerialExecutor(ordinary: self)
    let thread = Thread {
      begin()
      while let job = mailbox.take() { unsafe job.runSynchronously(on: unowned) }
    }
    thread.name = name
    thread.stackSize = 4 << 20
    thread.start()
  }

  /// Called by the runtime from any thread.
  func enqueue(_ job: consuming ExecutorJob) {
    mailbox.put(UnownedJob(job))
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  deinit { mailbox.close() }
}
