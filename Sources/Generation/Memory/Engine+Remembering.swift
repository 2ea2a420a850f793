internal import Cascade

/// How a text came to be remembered.
public struct RememberedText: Sendable {
  /// Tokens of the text.
  public let tokens: Int
  /// How many of them memory had already.
  public let known: Int
  /// How many it has now; fewer than all when it was cancelled.
  public let remembered: Int
  /// Tokens of it that the store's budget had no room for, as it has let go of them again.
  public let letGo: Int
  /// Passages of the session that the text does not have, and that are forgotten.
  public let replaced: Int
  /// How its reading went; nil when all of it was known.
  public let summary: GenerationSummary?

  /// Whether it was cancelled on the way.
  public var isCancelled: Bool { summary?.stopReason == .cancelled }
}

extension Engine {
  /// Reads a text into memory, as a session of its own that later replies of the namespace recall from.
  ///
  /// A text that memory has is not read again, and of one that has changed only what comes after the
  /// first change is; what the session held beside the text is then forgotten. When the task is
  /// cancelled, whole chunks that were read stay, beside what the session held before, and the next call
  /// goes on behind them.
  ///
  /// - Parameters:
  ///   - session: the text's name.
  ///   - onPrefill: see ``stream(_:template:options:onPrefill:)``.
  public func remember(
    _ text: String, as session: String, in namespace: String = "default",
    onPrefill: @escaping @Sendable (_ tokensRead: Int) -> Void = { _ in }
  ) async throws(EngineError) -> RememberedText {
    let tokens = try tokens(of: .text(text))
    guard !text.isEmpty, !tokens.isEmpty else {
      throw EngineError(.prompt, "\(session) is empty; there is nothing to remember.")
    }
    let isKnown = await core.withMemory { $0.knows(tokens, as: session, in: namespace) }
    if isKnown {
      return RememberedText(
        tokens: tokens.count, known: tokens.count, remembered: tokens.count, letGo: 0, replaced: 0,
        summary: nil)
    }
    let progress = PrefillProgress()
    let options = GenerationOptions(
      maxTokens: 0, sampling: .greedy, seed: 0,
      memory: MemoryOptions(scope: .session, namespace: namespace, session: session))
    let stream = try stream(.tokens(tokens), options: options) { count in
      progress.note(count)
      onPrefill(count)
    }
    for try await event in stream {
      guard case .finished(let summary) = event else { continue }
      let isCancelled = summary.stopReason == .cancelled
      // What could not be kept must not take the place of what is.
      let keepsOld = isCancelled || summary.memory.dropped > 0
      let replaced =
        keepsOld
        ? 0
        : try await core.withMemory { (memory) throws(EngineError) in
          try memory.forget(allBut: tokens, as: session, in: namespace).passages
        }
      let read = progress.count
      let letGo =
        summary.memory.dropped > 0
        ? 0 : await core.withMemory { $0.letGo(of: Array(tokens.prefix(read)), in: namespace) }
      return RememberedText(
        tokens: tokens.count, known: summary.memory.cached,
        remembered: max(0, read - summary.memory.dropped - letGo), letGo: letGo,
        replaced: replaced, summary: summary)
    }
    preconditionFailure("a token stream ends with a summary")
  }
}
