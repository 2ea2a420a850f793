internal import Foundation
internal import Synchronization

/// One thread that runs an actor's jobs: forward passes take milliseconds and would starve the
/// shared pool of every other task.
///
/// It is `Sendable`, unchecked: all it holds is a mailbox whose queue is behind a mutex.
final class ComputeThread: SerialExecutor, @unchecked Sendable {
  private struct Queue: Sendable {
    var jobs: [UnownedJob] = []
  }

  /// Apart from the executor, so that the thread keeps the queue alive and not the executor.
  private final class Mailbox: Sendable {
    let queue = Mutex(Queue())
    let filled = DispatchSemaphore(value: 0)
  }

  private let mailbox = Mailbox()

  init(name: String) {
    let mailbox = mailbox
    let unowned = unsafe UnownedSerialExecutor(ordinary: self)
    let thread = Thread {
      while true {
        mailbox.filled.wait()
        let job: UnownedJob? = mailbox.queue.withLock {
          $0.jobs.isEmpty ? nil : $0.jobs.removeFirst()
        }
        guard let job else { return }
        unsafe job.runSynchronously(on: unowned)
      }
    }
    thread.name = name
    thread.stackSize = 4 << 20
    thread.start()
  }

  /// Called by the runtime from any thread.
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    mailbox.queue.withLock { $0.jobs.append(job) }
    mailbox.filled.signal()
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  /// An empty queue behind a signal is the thread's sign to end.
  deinit { mailbox.filled.signal() }
}
