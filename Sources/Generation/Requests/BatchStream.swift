internal import Synchronization

/// The events of several replies, in the order in which they are made.
///
/// It is pulled like each of its streams: a reply goes on when its event has been looked at. The first
/// failure ends the stream and all of its replies, as does a reader that leaves.
public struct BatchStream: AsyncSequence, Sendable {
  /// An event, and the place of the request that it belongs to.
  public typealias Element = (index: Int, event: GenerationEvent)
  public typealias Failure = EngineError

  private let lease: BatchLease

  /// - Parameter width: how many are read at a time.
  init(_ streams: [TokenStream], atATime width: Int) { lease = BatchLease(streams, width) }

  public func makeAsyncIterator() -> Iterator { Iterator(lease: lease) }

  public struct Iterator: AsyncIteratorProtocol {
    private let lease: BatchLease
    private var handovers: AsyncStream<Handover>.Iterator
    fileprivate init(lease: BatchLease) {
      self.lease = lease
      handovers = lease.handovers.makeAsyncIterator()
    }

    /// The next event of any reply; nil after the last one's summary, or when the reader's task is
    /// cancelled, which ends all replies.
    public mutating func next() async throws(EngineError) -> Element? {
      try await next(isolation: #isolation)
    }

    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(EngineError) -> Element? {
      lease.look(at: nil)
      guard let next = await handovers.next(isolation: actor) else {
        lease.cancel()
        return nil
      }
      lease.look(at: next)
      return try next.event.get()
    }
  }
}

/// An event on its way to the reader. Whoever made it waits until it has been looked at, or nobody will.
private final class Handover: Sendable {
  private enum State {
    case new
    case waiting(CheckedContinuation<Void, Never>)
    case released
  }

  let event: Result<BatchStream.Element, EngineError>
  private let state = Mutex(State.new)

  init(_ event: Result<BatchStream.Element, EngineError>) { self.event = event }

  func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        let isReleased = state.withLock { state in
          if case .released = state { return true }
          state = .waiting(waiter)
          return false
        }
        if isReleased { waiter.resume() }
      }
    } onCancel: {
      release()
    }
  }

  func release() {
    let before = state.withLock { state in
      defer { state = .released }
      return state
    }
    if case .waiting(let waiter) = before { waiter.resume() }
  }
}

/// A reader's hold on several replies, each read by a task of its own: when the reader is gone, they end.
private final class BatchLease: Sendable {
  let handovers: AsyncStream<Handover>
  private let task: Task<Void, Never>
  /// What the reader looks at, whichever iterator it has it from.
  private let last = Mutex<Handover?>(nil)

  init(_ streams: [TokenStream], _ width: Int) {
    // Holds one event of each reply at most.
    let (handovers, handover) = AsyncStream.makeStream(of: Handover.self)
    self.handovers = handovers
    task = Task {
      await withTaskGroup(of: Bool.self) { group in
        var rest = streams.enumerated().makeIterator()
        func add() {
          guard let (index, stream) = rest.next() else { return }
          group.addTask { await Self.read(stream, index, into: handover) }
        }
        for _ in 0..<width { add() }
        for await isWhole in group {
          if isWhole, !Task.isCancelled { add() } else { break }
        }
        group.cancelAll()
      }
      handover.finish()
    }
  }

  deinit { task.cancel() }

  func cancel() { task.cancel() }

  /// The reader is done with what it had.
  func look(at next: Handover?) {
    let before = last.withLock { last in
      defer { last = next }
      return last
    }
    before?.release()
  }

  /// - Returns: whether the reply came to its end.
  private static func read(
    _ reply: TokenStream, _ index: Int, into stream: AsyncStream<Handover>.Continuation
  ) async -> Bool {
    func give(_ event: Result<BatchStream.Element, EngineError>) async {
      let handover = Handover(event)
      stream.yield(handover)
      await handover.wait()
    }
    var iterator = reply.makeAsyncIterator()
    do throws(EngineError) {
      while let event = try await iterator.next() { await give(.success((index, event))) }
      return true
    } catch {
      await give(.failure(error))
      return false
    }
  }
}
