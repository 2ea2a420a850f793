/// Replays traces through policies.
package enum Simulator {
  /// How often a replay looks whether it should stop, in requests.
  private static let interval = 8192

  /// What `policy` makes of `trace`; it begins as it is given.
  ///
  /// - Throws: `CancellationError` when the task is cancelled.
  package static func replay(
    _ trace: Trace, through policy: inout some EvictionPolicy<UInt64>
  ) throws(CancellationError) -> Score {
    var score = Score()
    for (i, request) in trace.requests.enumerated() {
      if i % interval == 0, Task.isCancelled { throw CancellationError() }
      score.total += request
      policy.recordAccess(request.key)
      if policy.contains(request.key) {
        score.hits += request
      } else if policy.admits(request.key, weight: request.weight, cost: request.cost) {
        policy.insert(request.key, weight: request.weight, cost: request.cost)
        while policy.usedBytes > policy.budget, let victim = policy.victim() {
          policy.remove(victim, reason: .evicted)
        }
      }
    }
    return score
  }

  /// What a policy of this kind makes of `trace` in `budget` bytes.
  package static func replay(
    _ trace: Trace, through kind: PolicyKind, budget: Int, window: TinyLFUWindow = .adaptive
  ) throws(CancellationError) -> Score {
    var policy = ChosenPolicy<UInt64>(kind, budget: budget, window: window)
    return try replay(trace, through: &policy)
  }
}
