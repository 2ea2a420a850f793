internal import Cache
internal import Cascade
internal import Model

/// Telling replies again.
extension EngineCore {
  /// What a request is told apart by; nil where its reply is to be made in any case.
  func requestKey(of reply: Reply) -> RequestKey? {
    let store = memory.store
    return RequestKey(
      reply, root: store.root(of: reply.owner), contextLength: stepper.contextLength)
  }

  /// Finds out whether a reply that has not begun was given before.
  func recall(_ reply: Reply) {
    guard reply.replay == nil, !reply.isCancelled, !memo.isOff, let key = requestKey(of: reply)
    else { return }
    let tiers = memory.store.tiers
    let known = memo.reply(to: key) { $0.trace.allSatisfy { tiers.contains($0) } }
    guard let known else {
      (reply.requestKey, reply.recording) = (key, [])
      return
    }
    reply.replay = Replay(reply: known)
    reply.onPrefill(reply.prompt.count)
  }

  /// The next event of a reply that is told again.
  func nextOfReplay(_ reply: Reply) -> GenerationEvent {
    let known = reply.replay!.reply
    let told = reply.replay!.told
    guard told < known.tokens.count else {
      reply.isEnded = true
      return .finished(GenerationSummary(reply.replay!, of: reply))
    }
    let isLate = reply.options.deadline.map { .now - reply.begun > $0 } ?? false
    if reply.isCancelled || isLate {
      reply.isEnded = true
      return .finished(
        GenerationSummary(
          reply.replay!, of: reply, stopReason: reply.isCancelled ? .cancelled : .deadline,
          trailingText: heldBack(behind: known.tokens[..<told], of: reply)))
    }
    if told == 0 { reply.replay!.timeToFirstToken = .now - reply.begun }
    reply.replay!.told += 1
    return .token(known.tokens[told])
  }

  /// The text that is not shown yet when a reply is broken off behind these tokens.
  private func heldBack(behind tokens: ArraySlice<GeneratedToken>, of reply: Reply) -> String {
    var text = ReplyText(
      tokenizer: stepper.tokenizer, continuing: reply.isContinuation,
      stopStrings: reply.options.stopStrings)
    for token in tokens { _ = text.append(token.id) }
    return text.finish()
  }

  /// Keeps a reply that has ended, if it may be told again.
  func memoize(_ reply: Reply, _ summary: GenerationSummary) {
    guard let key = reply.requestKey, let tokens = reply.recording else { return }
    (reply.requestKey, reply.recording) = (nil, nil)
    guard summary.isRepeatable, tokens.count == summary.generatedTokens else { return }
    let store = memory.store
    var trace: [BlockIdentity] = []
    if reply.leavesBlocks {
      // The last token is not read: nothing comes behind it.
      let text = reply.prompt + tokens.dropLast().map(\.id)
      let blocks =
        summary.sequence.map { $0.blocks + [$0.tail].compactMap(\.self) }
        ?? store.chain(of: text, in: reply.options.memory.namespace)
      trace = blocks.filter { store.tiers.contains($0) }
    }
    memo.keep(
      MemoizedReply(tokens: tokens, summary: summary, trace: trace), for: key,
      cost: summary.prefillDuration + summary.decodeDuration)
  }
}

extension Engine {
  /// What telling replies again was worth: a request that is repeated, and whose reply can be no other, is
  /// answered with the reply that was made for it; see ``GenerationOptions/usesMemo``.
  public var memoStatistics: MemoStatistics { core.memo.statistics }

  /// Forgets the replies that are kept to be told again: they are made anew the next time, and the memory that they
  /// take is free. What memory remembers stays; forgetting there clears this too.
  public func clearMemo() { core.memo.removeAll() }

  /// What a request is told apart by; nil where its reply is made in any case.
  package func requestKey(
    of prompt: Prompt, template: ChatTemplate? = nil, options: GenerationOptions
  ) async throws(EngineError) -> RequestKey? {
    await core.requestKey(of: try stream(prompt, template: template, options: options).reply)
  }
}
