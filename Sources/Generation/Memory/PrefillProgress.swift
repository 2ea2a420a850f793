internal import Synchronization

/// How many tokens of a prompt are read, for another thread to see.
final class PrefillProgress: Sendable {
  private let tokens = Atomic<Int>(0)

  var count: Int { tokens.load(ordering: .relaxed) }

  func note(_ count: Int) { tokens.store(count, ordering: .relaxed) }
}
