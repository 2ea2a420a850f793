/// The tokens of one reply, made as they are asked for.
///
/// `next()` computes the next token, so a slow reader slows the model and nothing is buffered. When
/// the reader's task is cancelled, the stream ends within a token (or a chunk of the prompt) with a
/// summary that says so; a reader that just leaves stops the work too.
/// A stream is read once; a second iterator goes on where the first one is.
public struct TokenStream: AsyncSequence, Sendable {
  public typealias Element = GenerationEvent
  public typealias Failure = EngineError

  private let lease: ReplyLease

  /// - Parameter observer: told of the events that are read.
  init(_ reply: Reply, on core: EngineCore, observer: (any ReplyObserver)? = nil) {
    lease = ReplyLease(reply: reply, core: core, observer: observer)
  }

  var reply: Reply { lease.reply }

  public func makeAsyncIterator() -> Iterator { Iterator(lease: lease) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let lease: ReplyLease

    /// The next event; nil after the summary.
    public mutating func next() async throws(EngineError) -> GenerationEvent? {
      try await lease.next()
    }

    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(EngineError) -> GenerationEvent? {
      try await lease.next()
    }
  }
}

/// Who follows a reply, whoever reads it.
protocol ReplyObserver: Sendable {
  /// Called with each event before the reader has it, one after the other. What it throws at the
  /// summary, the reader gets in its place.
  func note(_ event: GenerationEvent) throws(EngineError)

  /// The reply ends without a summary: it failed, or no reader is left. Also called after one.
  func breakOff()
}

/// A stream's hold on its reply: when the last reader is gone, the reply's KV blocks go back.
private final class ReplyLease: Sendable {
  let reply: Reply
  private let core: EngineCore
  private let observer: (any ReplyObserver)?

  init(reply: Reply, core: EngineCore, observer: (any ReplyObserver)?) {
    self.reply = reply
    self.core = core
    self.observer = observer
  }

  func next() async throws(EngineError) -> GenerationEvent? {
    do throws(EngineError) {
      let event = try await core.next(reply)
      if let event { try observer?.note(event) }
      return event
    } catch {
      observer?.breakOff()
      throw error
    }
  }

  deinit {
    observer?.breakOff()
    let (core, reply) = (core, reply)
    Task { await core.close(reply) }
  }
}
