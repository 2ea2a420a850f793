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

  init(_ reply: Reply, on core: EngineCore) { lease = ReplyLease(reply: reply, core: core) }

  public func makeAsyncIterator() -> Iterator { Iterator(lease: lease) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let lease: ReplyLease

    /// The next event; nil after the summary.
    public mutating func next() async throws(EngineError) -> GenerationEvent? {
      try await lease.core.next(lease.reply)
    }

    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(EngineError) -> GenerationEvent? {
      try await lease.core.next(lease.reply)
    }
  }
}

/// A stream's hold on its reply: when the last reader is gone, the reply's KV blocks go back.
private final class ReplyLease: Sendable {
  let reply: Reply
  let core: EngineCore

  init(reply: Reply, core: EngineCore) {
    self.reply = reply
    self.core = core
  }

  deinit {
    let (core, reply) = (core, reply)
    Task { await core.close(reply) }
  }
}
