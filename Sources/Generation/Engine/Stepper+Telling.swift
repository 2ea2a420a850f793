internal import Cascade
internal import Hardware
internal import Model

/// What replies are told: tokens, and how they ended.
extension Stepper {
  /// Tells the next sampled token: its text, and whether the reply ends with it.
  func tell(_ state: inout ReplyState, of reply: Reply) -> GeneratedToken {
    let sampled = state.sampled.take()
    let token = sampled.id
    state.exits.note(skippedLayers: sampled.skippedLayers)
    if state.generated > 0 {
      state.drafter?.noteTold(isDraft: sampled.isDraft)
      state.decodeDuration += state.spent
      pace?.noteToken()
    } else {
      state.timeToFirstToken = clock.now - reply.begun
    }
    state.spent = .zero
    state.generated += 1
    state.lastToken = token
    state.stopReason = reasonToStop(state, reply, after: token)
    let faults = state.quality.note(token, entropy: sampled.entropy)
    if state.stopReason == nil, reply.options.qualityStop.contains(where: faults.contains) {
      state.stopReason = .degenerate
    }

    let text: String
    switch state.stopReason {
    case .endOfText: text = state.text.finish()
    case .some: text = state.text.appendLast(token)
    case nil: text = state.text.append(token)
    }
    if state.text.hasStopped { state.stopReason = .stopString }
    if state.sampled.isEmpty, !state.memory.isParked {
      profile?.begin(.eviction)
      state.memory.slide(in: pool)
      profile?.begin(.other)
    }
    return GeneratedToken(id: token, text: text, logprobs: sampled.logprobs)
  }

  func isEnd(_ token: TokenID, of reply: Reply) -> Bool {
    !reply.options.ignoresEndTokens
      && (tokenizer.endTokens.contains(token) || reply.turnEnds.contains(token))
  }

  private func reasonToStop(
    _ state: ReplyState, _ reply: Reply, after token: TokenID
  ) -> StopReason? {
    if isEnd(token, of: reply) { return .endOfText }
    if let search = state.beams?.search, search.isOver, state.sampled.isEmpty {
      return search.best!.stopReason
    }
    if let limit = reply.options.maxTokens, limit >= 0, state.generated >= limit { return .length }
    // The last token needs no place: nothing is generated after it.
    if options.window == .full, told(state, of: reply) >= contextLength { return .contextFull }
    return nil
  }

  func summary(of state: inout ReplyState, of reply: Reply) -> GenerationSummary {
    if isBack(state) { leaveUntold(&state, of: reply) }
    let memory = ProcessMemory()
    let keyValueBytes = state.memory.heldBlocks * pool.layout.blockByteCount
    let evicted = state.memory.evicted
    keep(&state, of: reply)
    if state.stopReason == .endOfText { lengths.note(state.generated) }
    // Who wants no end has none that is missing.
    state.quality.finish(
      isContextFull: state.stopReason == .contextFull && !reply.options.ignoresEndTokens)
    var summary = GenerationSummary(
      stopReason: state.stopReason!, trailingText: state.text.finish(),
      promptTokens: reply.prompt.count,
      generatedTokens: state.generated, evictedTokens: evicted,
      prefillDuration: state.prefillDuration, decodeDuration: state.decodeDuration,
      timeToFirstToken: state.timeToFirstToken, seed: reply.seed,
      residentBytes: memory.resident, peakBytes: memory.peak,
      keyValueBytes: keyValueBytes, memory: state.memory.account,
      restoring: state.memory.restoreAccount,
      drafts: state.drafter?.account ?? DraftAccount(), exits: state.exits,
      beams: state.beams?.report,
      sequence: sequence(of: state))
    summary.quality = state.quality.account
    return summary
  }

  /// What a reply that has ended leaves to the next one of its session.
  private func sequence(of state: ReplyState) -> KeptSequence? {
    guard state.stopReason != .stopString, !state.leavesNothing else { return nil }
    // The template ends the turn in its own way.
    let isEnded = state.stopReason == .endOfText || state.generated == 0
    return state.memory.kept(untold: isEnded ? [] : [state.lastToken])
  }
}
