internal import Cache
internal import Synchronization

/// Lets the store use the time between replies: it reads what other processes have written, writes
/// what is only in memory, and compacts.
final class IdleWork: Sendable {
  /// How long nothing has to happen first.
  private static let calm = Duration.seconds(1)
  /// How long it may take: a reply that comes meanwhile shares the machine with it.
  private static let stretch = Duration.milliseconds(500)

  private struct State {
    var replies = 0
    var task: Task<Void, Never>?
  }

  private let tiers: TieredStore
  private let state = Mutex(State())

  init(_ tiers: TieredStore) { self.tiers = tiers }

  deinit { state.withLock { $0.task?.cancel() } }

  /// A reply begins.
  func begin() {
    state.withLock { state in
      state.replies += 1
      state.task?.cancel()
      state.task = nil
    }
  }

  /// A reply has ended.
  func end() {
    state.withLock { state in
      state.replies -= 1
      guard state.replies == 0 else { return }
      state.task = Task.detached(priority: .background) { [tiers] in
        do { try await Task.sleep(for: Self.calm) } catch { return }
        // A disk that fails here fails the next reply's flush too, which tells.
        try? tiers.idle(for: Self.stretch)
      }
    }
  }
}
