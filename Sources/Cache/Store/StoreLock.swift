#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A state behind a POSIX mutex, with a condition to wait for changes.
///
/// Not `Synchronization.Mutex`: ThreadSanitizer does not see that one's futex, and would report races
/// where there are none. `Sendable`, unchecked: the state is touched only under the mutex.
@safe
final class StoreLock<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  init(_ state: State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Calls `body` with the state, alone. Nothing in it may wait, or take another lock but a later one.
  func withLock<R, E>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Waits until `condition` gives a value; it is asked again after each ``notify()``.
  func wait<R>(until condition: (inout State) -> R?) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = condition(&state) { return result }
      unsafe pthread_cond_wait(self.condition, mutex)
    }
  }

  /// Wakes everyone who waits.
  func notify() { unsafe pthread_cond_broadcast(condition) }
}
