#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A thread that works when it is woken, and ends when it is told to.
final class Worker: Sendable {
  private struct State {
    var isWoken = false
    var isStopped = false
    var isRunning = false
  }

  private let state = StoreLock(State())

  /// Starts the thread. `work` is called after each ``wake()``, and again at once as long as it returns
  /// true. It must not refer to the worker's owner strongly.
  ///
  /// - Returns: whether the system gave a thread.
  func start(_ work: @escaping @Sendable () -> Bool) -> Bool {
    state.withLock { $0.isRunning = true }
    let body = Body { [state] in
      while Self.nextRound(state) {
        while !state.withLock({ $0.isStopped }), work() {}
      }
      state.withLock { $0.isRunning = false }
      state.notify()
    }
    var thread = pthread_t()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(body).toOpaque())
    guard result == 0 else {
      unsafe Unmanaged.passUnretained(body).release()
      state.withLock { $0.isRunning = false }
      return false
    }
    pthread_detach(thread)
    return true
  }

  func wake() {
    let isNew = state.withLock { state in
      defer { state.isWoken = true }
      return !state.isWoken
    }
    if isNew { state.notify() }
  }

  /// Tells the thread to end after what it does now.
  func stop() {
    state.withLock { $0.isStopped = true }
    state.notify()
  }

  /// Waits until the thread has ended. Not to be called by the thread itself.
  func join() {
    state.wait { $0.isRunning ? nil : () }
  }

  private static func nextRound(_ state: StoreLock<State>) -> Bool {
    state.wait { state in
      if state.isStopped { return false }
      guard state.isWoken else { return nil }
      state.isWoken = false
      return true
    }
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
  }
}

extension Worker {
  static func sleep(nanoseconds: UInt64) {
    var time = timespec(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    unsafe nanosleep(&time, nil)
  }
}
