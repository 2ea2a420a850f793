internal import Cache
internal import Synchronization

/// Lets memory use the time between replies: the store reads what other processes have written, writes
/// what is only in memory, and compacts; then what recurs becomes concepts.
final class IdleWork: Sendable {
  /// Consolidates a namespace, calling the function after each gist with the time it took.
  typealias Consolidation =
    @Sendable (_ namespace: String, _ rest: @Sendable (Duration) async -> Void) async -> Void

  /// How long nothing has to happen first.
  private static let calm = Duration.seconds(1)
  /// How long it may take: a reply that comes meanwhile shares the machine with it.
  private static let stretch = Duration.milliseconds(500)
  /// Gists take a quarter of the time, and a namespace's consolidation one part in twenty of the time to
  /// the next.
  private static let restAfterGist = 3
  private static let restAfterNamespace = 20
  private static let leastRest = Duration.seconds(30)

  private struct State {
    var replies = 0
    var task: Task<Void, Never>?
    /// Namespaces that replies have recalled and added to since they were last consolidated.
    var waiting: Set<String> = []
    /// When the next consolidation may begin.
    var next = ContinuousClock.now
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
  ///
  /// - Parameter namespace: what it leaves to be consolidated; nil: nothing.
  func end(leaving namespace: String?, consolidate: @escaping Consolidation) {
    state.withLock { state in
      state.replies -= 1
      if let namespace { state.waiting.insert(namespace) }
      guard state.replies == 0 else { return }
      state.task = Task.detached(priority: .background) { [weak self, tiers] in
        do { try await Task.sleep(for: Self.calm) } catch { return }
        // A disk that fails here fails the next reply's flush too, which tells.
        try? tiers.idle(for: Self.stretch)
        while let (namespace, time) = self?.firstWaiting() {
          do { try await Task.sleep(until: time) } catch { return }
          let begun = ContinuousClock.now
          await consolidate(namespace) { duration in
            try? await Task.sleep(for: duration * Self.restAfterGist)
          }
          // What was stopped goes on at the next time.
          guard !Task.isCancelled else { return }
          self?.finish(namespace, after: ContinuousClock.now - begun)
        }
      }
    }
  }

  private func firstWaiting() -> (namespace: String, time: ContinuousClock.Instant)? {
    state.withLock { state in state.waiting.min().map { ($0, state.next) } }
  }

  private func finish(_ namespace: String, after duration: Duration) {
    state.withLock { state in
      state.waiting.remove(namespace)
      state.next = .now + max(Self.leastRest, duration * Self.restAfterNamespace)
    }
  }
}
