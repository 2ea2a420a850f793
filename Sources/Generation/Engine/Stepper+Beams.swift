internal import Cascade
internal import Model

/// Replies that are searched for. Their beams are rows of the same pass as everybody else's, and forks of
/// one sequence: what they have in common is there once.
extension Stepper {
  /// A search for a reply; nil where its tokens are drawn.
  func beams(for reply: Reply) -> BeamState? {
    guard let options = reply.options.beams, let limit = beamLimit(of: reply) else { return nil }
    return BeamState(search: BeamSearch(options, limit: limit.tokens, limitReason: limit.reason))
  }

  /// The most tokens that a search may come to; nil where there are to be none.
  private func beamLimit(of reply: Reply) -> (tokens: Int, reason: StopReason)? {
    // The last token needs no place. Without a limit of its own, a search ends somewhere.
    let room =
      options.window == .full ? contextLength - reply.prompt.count + 1 : contextLength
    let most = reply.options.maxTokens.flatMap { $0 < 0 ? nil : $0 } ?? .max
    guard most > 0, room > 0 else { return nil }
    return most <= room || options.window != .full
      ? (min(most, room), .length) : (room, .contextFull)
  }

  /// Blocks that a search may come to hold beside those of one sequence: each further beam, and the best
  /// reply that has ended, what it does not share with the prompt.
  ///
  /// - Parameter blocks: those of a sequence of `capacity` tokens.
  func blocksOfFurtherBeams(_ reply: Reply, blocks: Int, capacity: Int) -> Int {
    guard let options = reply.options.beams, options.width > 1, let limit = beamLimit(of: reply)
    else { return 0 }
    let length = pool.layout.blockLength
    let apart =
      switch self.options.window {
      case .full: blocks - reply.prompt.count / length
      case .sliding:
        // The block that the prompt ends in, and those of the reply, as far as the window reaches.
        min(
          limit.tokens / length + 2,
          WorkingMemory.blocks(
            self.options.window, capacity: capacity, blockLength: length, stepTokens: 1))
      }
    return options.width * apart
  }

  /// What a search samples with: what changes scores, and nothing that shapes a draw.
  func samplingOptions(of reply: Reply) -> SamplingOptions {
    var options = reply.options.sampling
    if reply.options.beams != nil { options.temperature = 0 }
    return options
  }

  /// Puts the last token of each beam into the pass.
  func prepareBeams(_ state: inout ReplyState) {
    for beam in state.beams!.beams {
      beam.memory.isReading = false
      let token: InlineArray<1, TokenID> = [beam.lastToken]
      give(token.span, to: beam.memory, logits: 1)
    }
  }

  /// Goes on with what the pass has computed for a search.
  func takeBeams(_ state: inout ReplyState, of reply: Reply) throws(EngineError) {
    if state.chunk == nil {
      for beam in state.beams!.beams { beam.memory.slide(in: pool) }
      state.beams!.report.passes += 1
      state.beams!.noteBlocks()
      // Tokens come several at a time; what they took is not that of each.
      state.decodeDuration += state.spent
      state.spent = .zero
    } else {
      begin(&state, of: reply)
    }
    let before = state.beams!.beams
    let candidates = try candidates(state, of: reply, before)
    let step = state.beams!.search.advance(candidates) { beam, token in
      ends(before[beam], token, of: reply)
    }
    goOn(&state, of: reply, with: step)
    let beams = state.beams!
    for node in beams.search.agreed(beyond: beams.agreed.count) {
      state.beams!.agreed = (node, state.beams!.agreed.count + 1)
      state.sampled.append(
        SampledTokens.Token(
          id: beams.search.tree.token(of: node), isDraft: false, skippedLayers: 0,
          logprobs: beams.logprobs[node]))
    }
    if beams.search.isOver { finish(&state, of: reply) }
  }

  /// All beams begin where the prompt ends.
  private func begin(_ state: inout ReplyState, of reply: Reply) {
    let isWatched = !reply.options.stopStrings.isEmpty
    let beam = BeamState.Beam(
      memory: state.memory, sampler: state.sampler, text: isWatched ? state.text : nil)
    state.beams!.beams = Array(repeating: beam, count: state.beams!.search.beams.count)
    state.beams!.report.blockBytes = pool.layout.blockByteCount
    state.spent = .zero
    state.beams!.noteBlocks()
  }

  /// The likeliest next tokens of each beam.
  private func candidates(
    _ state: ReplyState, of reply: Reply, _ beams: [BeamState.Beam]
  ) throws(EngineError) -> [[LikelyToken]] {
    profile?.begin(.sampling)
    let pass = pass
    var candidates: [[LikelyToken]] = []
    for place in beams.indices {
      if place > 0, state.chunk != nil {
        candidates.append(candidates[0])
        continue
      }
      let logits = pass.logits(row(of: place, state)).extracting(0..<tokenizer.vocabularySize)
      var sampler = beams[place].sampler
      let likeliest = state.beams!.search.candidates { token in
        ends(beams[place], token, of: reply) != nil
      } likeliest: { count in
        sampler.likeliest(count, of: logits)
      }
      guard !logits[Int(likeliest[0].token)].isNaN else { throw invalidScores }
      candidates.append(likeliest)
    }
    return candidates
  }

  /// The row of a beam's logits: behind a prompt there is one for all.
  private func row(of beam: Int, _ state: ReplyState) -> Int {
    state.firstLogit + (state.chunk == nil ? beam : 0)
  }

  private func ends(_ beam: BeamState.Beam, _ token: TokenID, of reply: Reply) -> StopReason? {
    if isEnd(token, of: reply) { return .endOfText }
    guard var text = beam.text else { return nil }
    _ = text.append(token)
    return text.hasStopped ? .stopString : nil
  }

  /// Gives each beam that goes on its memory: the first one behind a parent takes the parent's, the others
  /// fork it.
  private func goOn(_ state: inout ReplyState, of reply: Reply, with step: BeamSearch.Step) {
    let before = state.beams!.beams
    var taken: Set<ObjectIdentifier> = []
    func memory(of parent: Int) -> SequenceMemory {
      let memory = before[parent].memory
      if taken.insert(ObjectIdentifier(memory)).inserted { return memory }
      state.beams!.report.forks += 1
      return memory.fork(in: pool)
    }
    var next: [BeamState.Beam] = []
    for child in step.live {
      var beam = BeamState.Beam(
        memory: memory(of: child.parent), sampler: before[child.parent].sampler,
        text: before[child.parent].text, lastToken: child.token)
      beam.sampler.accept(child.token)
      _ = beam.text?.append(child.token)
      next.append(beam)
      note(child, &state, of: reply)
    }
    if let best = step.best {
      if let ended = state.beams!.ended { state.beams!.drop(ended, in: pool) }
      state.beams!.ended = memory(of: best.parent)
      note(best, &state, of: reply)
    }
    for beam in before where taken.insert(ObjectIdentifier(beam.memory)).inserted {
      state.beams!.drop(beam.memory, in: pool)
    }
    state.beams!.beams = next
    if let first = next.first { state.memory = first.memory }
  }

  /// Keeps what the model thought of a token, where that was asked for.
  private func note(_ child: BeamSearch.Extension, _ state: inout ReplyState, of reply: Reply) {
    guard reply.options.logprobs > 0 else { return }
    let pass = pass
    let logits = pass.logits(row(of: child.parent, state))
      .extracting(0..<tokenizer.vocabularySize)
    state.beams!.logprobs[child.node] = TokenLogprobs(
      logits: logits, chosen: child.token, top: reply.options.logprobs)
  }

  // MARK: - Ending

  /// The search is over: the best reply's memory is the reply's.
  private func finish(_ state: inout ReplyState, of reply: Reply) {
    let search = state.beams!.search
    state.memory = state.beams!.ended!
    state.beams!.report.hypotheses = search.hypotheses.map { ending in
      let tokens = search.tree.tokens(to: ending.node)
      return BeamHypothesis(
        tokens: tokens, text: text(of: tokens, ending: ending.stopReason, in: reply),
        logProbability: ending.logProbability, score: ending.score,
        stopReason: ending.stopReason)
    }
  }

  private func text(
    of tokens: [TokenID], ending reason: StopReason, in reply: Reply
  ) -> String {
    var text = ReplyText(
      tokenizer: tokenizer, continuing: reply.isContinuation,
      stopStrings: reply.options.stopStrings)
    let beginning = tokens.dropLast().map { text.append($0) }.joined()
    return beginning + (reason == .endOfText ? text.finish() : text.appendLast(tokens.last!))
  }

  /// Gives all memories back but the one that the reply leaves, and takes that one back to what was told.
  func settleBeams(_ state: inout ReplyState, of reply: Reply) {
    guard !state.beams!.isSettled else { return }
    state.beams!.isSettled = true
    state.sampled.removeAll()
    let search = state.beams!.search
    // Cut off in the middle, any that agrees with what was told will do.
    var memories = zip(state.beams!.beams, search.beams).filter { state.beams!.agrees($1.node) }
      .map(\.0.memory)
    if let ended = state.beams!.ended, state.beams!.agrees(search.best!.node) {
      memories.insert(ended, at: 0)
    }
    if let memory = memories.first { state.memory = memory }
    var seen: Set = [ObjectIdentifier(state.memory)]
    for memory in state.beams!.beams.map(\.memory) + (state.beams!.ended.map { [$0] } ?? [])
    where seen.insert(ObjectIdentifier(memory)).inserted {
      state.beams!.drop(memory, in: pool)
    }
    state.beams!.report.copiedBlocks += state.memory.working.copied
    (state.beams!.beams, state.beams!.ended) = ([], nil)
    let told = max(reply.prompt.count, told(state, of: reply))
    if state.memory.count > told, !state.memory.rewind(to: told, in: pool) {
      state.leavesNothing = true
    }
  }
}
