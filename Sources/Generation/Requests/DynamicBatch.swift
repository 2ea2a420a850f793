internal import Scheduling

/// Collects single requests, so that they begin together: the first one waits until there are `size` of them,
/// until `wait` has passed, or until everybody who could ask is waiting here.
///
/// An engine lets requests join at any time, and what a reply says never depends on the others: most programs
/// need no such batch. It pays where prompts begin alike, and are asked for one by one in quick succession.
public actor DynamicBatch {
  private let engine: Engine
  private var window: BatchWindow
  /// Those who wait, told whether they begin with a batch.
  private var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
  private var numbers: UInt64 = 0
  /// Replies that are being made.
  private var inProgress = 0
  private var alarm: Task<Void, Never>?
  private let origin = ContinuousClock.now

  /// - Parameters:
  ///   - size: requests that are not kept waiting for more.
  ///   - wait: how long the oldest waits at most.
  ///   - ceiling: the most that begin together when more have come than `size`.
  public init(
    on engine: Engine, size: Int = 8, wait: Duration = .milliseconds(50), ceiling: Int = 64
  ) {
    self.engine = engine
    window = BatchWindow(
      size: max(1, size), wait: wait.wholeNanoseconds,
      ceiling: max(ceiling, size, 1))
  }

  /// A whole reply. When the caller's task is cancelled, it ends within a token, or without one if it has not
  /// begun.
  public func generate(_ request: GenerationRequest) async throws(EngineError) -> Completion {
    let number = numbers
    numbers += 1
    let isOfBatch = await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        guard !Task.isCancelled else { return waiter.resume(returning: false) }
        waiting[number] = waiter
        window.add(number, at: now)
        look()
      }
    } onCancel: {
      Task { await self.leave(number) }
    }
    if !isOfBatch { inProgress += 1 }
    defer {
      inProgress -= 1
      look()
    }
    return try await Completion(reading: engine.stream(request))
  }

  private var now: UInt64 { UInt64((ContinuousClock.now - origin) / .nanoseconds(1)) }

  private func leave(_ number: UInt64) {
    guard window.remove(number) else { return }
    waiting.removeValue(forKey: number)?.resume(returning: false)
  }

  /// Lets a batch begin that is due.
  private func look() {
    var batch: [UInt64] = []
    while window.isDue(at: now, others: inProgress) {
      window.take(into: &batch)
      // Before they go on: whoever comes meanwhile is not alone.
      inProgress += batch.count
      for number in batch { waiting.removeValue(forKey: number)?.resume(returning: true) }
    }
    alarm?.cancel()
    guard let due = window.dueTime else { return }
    alarm = Task {
      try? await Task.sleep(until: origin + .nanoseconds(Int64(clamping: due)))
      if !Task.isCancelled { look() }
    }
  }
}
