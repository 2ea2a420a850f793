internal import Cascade
internal import Model

/// Decoding with drafts: the last token and a guess of what follows go through one pass, and every guess
/// that the sampler would have made itself saves a pass (Y. Leviathan et al., "Fast inference from
/// transformers via speculative decoding", ICML 2023).
///
/// The sampler draws each token from the model's own scores in turn, as it would without a draft, and a
/// row's scores do not depend on the other rows of its pass: what is said is the same, bit for bit,
/// greedy and seeded alike.
extension Stepper {
  /// What guesses a reply's tokens; nil where nobody is to.
  func drafter(for reply: Reply) -> Drafter? {
    let (options, memory) = (reply.options.drafts, reply.options.memory)
    let limit = reply.options.maxTokens.flatMap { $0 < 0 ? nil : $0 } ?? contextLength
    // The first token comes of the prompt, and the last one needs no guess.
    guard options.mode != .off, limit > 2, reply.options.beams == nil else { return nil }
    draftedReplies += 1
    var drafter = Drafter(
      options, number: draftedReplies, most: logitsPerPass - 1,
      expected: reply.prompt.count + min(limit, contextLength),
      continuations: memory.scope == .namespace
        ? store.continuations(of: memory.namespace) : nil,
      governor: governor.successor())
    for token in reply.prompt.suffix(PromptLookup.most) { drafter.append(token) }
    return drafter
  }

  /// Makes the rows of a reply's next pass: the last token and a draft.
  ///
  /// - Parameter most: rows, at least one.
  func propose(_ state: inout ReplyState, of reply: Reply, most: Int) {
    state.rows.removeAll(keepingCapacity: true)
    state.rows.append(state.lastToken)
    guard state.drafter != nil else { return }
    state.drafter!.settle(room: min(room(state, of: reply), most - 1), costs: costs)
    state.rows.append(contentsOf: state.drafter!.draft)
  }

  /// Samples as far as the draft holds. What is refused leaves no trace.
  func takeDecoded(_ state: inout ReplyState, of reply: Reply) throws(EngineError) {
    let count = state.memory.count - state.rows.count
    // The last sampled token is not read before the next pass, as its successor is not asked for.
    defer { state.memory.retract(to: count + max(1, state.sampled.count), in: pool) }
    let accepted = try sample(&state, of: reply)
    state.drafter?.note(accepted: accepted)
  }

  /// Samples the token after each of a reply's rows in the last pass, as long as it is the one that the next row was
  /// given. Each is drawn as it would be after a pass of its own.
  ///
  /// - Returns: tokens of the draft that were right.
  func sample(_ state: inout ReplyState, of reply: Reply) throws(EngineError) -> Int {
    profile?.begin(.sampling)
    let pass = pass
    for row in 0..<max(1, state.rows.count) {
      // An embedding may have more rows than there are tokens, to make its size round.
      let logits = pass.logits(state.firstLogit + row).extracting(0..<tokenizer.vocabularySize)
      let token = state.sampler.sample(logits)
      // The sampler treats what is no number as impossible, so it is chosen only where nothing is one.
      guard !logits[Int(token)].isNaN else {
        // A row on trial comes again as the first one of its pass.
        if row > 0 { return row }
        throw invalidScores
      }
      state.sampler.accept(token)
      state.drafter?.append(token)
      let isRight = row + 1 < state.rows.count && state.rows[row + 1] == token
      state.sampled.append(
        SampledTokens.Token(
          id: token, isDraft: isRight,
          skippedLayers: model.layers.count - pass.depth(state.firstLogit + row),
          logprobs: reply.options.logprobs > 0
            ? TokenLogprobs(logits: logits, chosen: token, top: reply.options.logprobs) : nil,
          entropy: state.quality.measures(at: state.generated + state.sampled.count)
            ? entropy(of: logits) : nil))
      // Nothing is said after an end.
      if !isRight || isEnd(token, of: reply) { return row + (isRight ? 1 : 0) }
    }
    return max(0, state.rows.count - 1)
  }

  var invalidScores: EngineError {
    EngineError(
      .model,
      "\(model.file.name): the model computes no valid scores; its weights are damaged, "
        + "download or convert it again.")
  }

  /// Tokens that a draft may have now: no further than memory can take back, nor than the reply may go.
  func room(_ state: ReplyState, of reply: Reply) -> Int {
    var room = min(state.memory.draftRoom, logitsPerPass - 1)
    if let limit = reply.options.maxTokens, limit >= 0 {
      room = min(room, limit - state.generated - 1)
    }
    return room
  }

  /// Tokens that memory holds once all that was told has been told: all but the last.
  func told(_ state: ReplyState, of reply: Reply) -> Int {
    reply.prompt.count + state.generated - 1
  }

  /// Takes back what has been sampled and will never be told, as the reply has ended before it.
  func leaveUntold(_ state: inout ReplyState, of reply: Reply) {
    if state.beams != nil { return settleBeams(&state, of: reply) }
    guard !state.sampled.isEmpty else { return }
    state.sampled.removeAll()
    state.memory.retract(to: told(state, of: reply), in: pool)
    state.memory.slide(in: pool)
  }
}
