internal import Cascade
internal import Model

/// Drafts that have to be computed: by a second model, or by the model's own first layers, which guess what
/// the others will make of a token (J. Zhang et al., "Draft & Verify", 2023, arXiv:2309.08168; M. Elhoushi
/// et al., "LayerSkip", 2024, arXiv:2404.16710).
///
/// They are made for all replies of a pass together, a token of each in a pass. First layers write their keys
/// and values where the pass that checks the draft writes the same bits, and those of the other layers
/// beside them.
extension Stepper {
  /// Says who computes drafts, and what that costs as long as it is not measured.
  func prepareToGuess() {
    func add(_ source: DraftSource, _ price: Double) {
      computers.append(Drafter.Computer(source: source, price: price))
      assumedPrices.append(price)
    }
    if let draftModel {
      add(.model, Double(draftModel.model.weightByteCount) / Double(model.weightByteCount))
    }
    let layers = model.shape.layers
    switch options.draftExit {
    case nil: break
    case .layer(let layer): exitLayers = [layer]
    case .automatic:
      exitLayers = Set([layers / 4, layers / 2, layers * 3 / 4]).filter { $0 > 0 }.sorted()
    }
    let head = Double(model.output.byteCount) / Double(model.weightByteCount)
    for (source, layer) in zip(DraftSource.exits, exitLayers) {
      add(source, head + (1 - head) * Double(layer) / Double(layers))
    }
  }

  func exitLayer(of source: DraftSource) -> Int {
    exitLayers[source.exitPlace]
  }

  /// Makes the drafts that the pass in hand checks.
  ///
  /// - Returns: what that took.
  func guess() -> Duration {
    let begun = clock.now
    var asks = false
    draftModel?.beginRound()
    for turn in members where turn.reply.state!.memory.count >= turn.reply.prompt.count {
      beginDraft(&turn.reply.state!, of: turn.reply, most: turn.rows)
      asks = asks || turn.reply.state!.drafter?.asked != nil
    }
    guard asks else { return clock.now - begun }
    profile?.hold(.drafts)
    for computer in computers { compute(computer.source) }
    profile?.release()
    return clock.now - begun
  }

  /// Begins a reply's draft.
  private func beginDraft(_ state: inout ReplyState, of reply: Reply, most: Int) {
    guard state.drafter != nil else { return }
    let begun = clock.now
    let room = min(room(state, of: reply), most - 1)
    for place in computers.indices { price(place, for: state) }
    let limit = reply.options.maxTokens.flatMap { $0 < 0 ? nil : $0 } ?? .max
    state.drafter!.propose(
      room: room, remaining: min(limit - state.generated, Self.horizon), computers: computers,
      costs: costs)
    guard let source = state.drafter!.asked else {
      if let source = state.drafter!.found {
        state.drafter!.noteTime(clock.now - begun, of: source)
      }
      return
    }
    state.drafter!.generator = state.sampler.generator
    if source == .model { readText(of: &state) }
    state.drafter!.noteTime(clock.now - begun, of: source)
  }

  /// Tokens that a reply is expected to go on for at most: whoever asks seldom knows.
  private static let horizon = 64

  /// What a computed draft costs a reply.
  private func price(_ place: Int, for state: ReplyState) {
    let source = computers[place].source
    computers[place].price = costs.price(of: source, assumed: assumedPrices[place])
    guard source == .model, let draftModel else { return }
    computers[place].isFree = draftModel.hasPlace(for: state.drafter!.number)
    let tokens = draftModel.arrears(of: state.drafter!.number, text: state.memory.tokens.count)
    computers[place].arrears =
      Double(tokens) * costs.priceOfReading(assumed: assumedPrices[place] / 4)
  }

  /// Has the second model read a reply's text, all but the last token.
  private func readText(of state: inout ReplyState) {
    let begun = clock.now
    let text = state.memory.tokens
    let count = draftModel!.catchUp(state.drafter!.number, with: text.span)
    // A few rows tell what a pass costs, not what a row does.
    if count >= 16 { costs.note(reading: count, clock.now - begun) }
  }

  /// Has `source` compute the drafts of all who ask it.
  private func compute(_ source: DraftSource) {
    var begun = clock.now
    while giveGuesses(source) {
      runGuesses(source)
      takeGuesses(source)
      let now = clock.now
      costs.note(drafting: source, now - begun)
      for turn in members where turn.reply.state!.drafter?.wasAsked(source) == true {
        turn.reply.state!.drafter!.noteTime(now - begun, of: source)
      }
      begun = now
    }
    for turn in members where turn.reply.state!.drafter?.wasAsked(source) == true {
      // The sampler draws the same numbers again when it checks.
      if let generator = turn.reply.state!.drafter!.generator {
        turn.reply.state!.sampler.generator = generator
        turn.reply.state!.drafter!.generator = nil
      }
      if source != .model { turn.reply.state!.memory.retractGuesses(in: pool) }
    }
  }

  /// Gives `source` the last token of each draft that it is to go on with.
  ///
  /// - Returns: whether there is any.
  private func giveGuesses(_ source: DraftSource) -> Bool {
    var count = 0
    for turn in members where turn.reply.state!.drafter?.asked == source {
      if count == 0 { source == .model ? draftModel!.begin() : beginPass() }
      count += 1
      let state = turn.reply.state!
      let token = state.drafter!.draft.last ?? state.lastToken
      source == .model
        ? draftModel!.give(token, to: state.drafter!.number) : giveGuess(token, to: state.memory)
    }
    return count > 0
  }

  private func runGuesses(_ source: DraftSource) {
    if source == .model { draftModel!.run() } else { runPass(first: exitLayer(of: source)) }
  }

  private func takeGuesses(_ source: DraftSource) {
    var row = 0
    let pass = source == .model ? draftModel!.pass : pass
    let vocabulary = 0..<tokenizer.vocabularySize
    for turn in members where turn.reply.state!.drafter?.asked == source {
      // Drawn as the reply's own next token will be, with the same random number, so that whoever thinks
      // alike says the same.
      let (token, probability) = turn.reply.state!.sampler.guess(
        pass.logits(row).extracting(vocabulary))
      turn.reply.state!.drafter!.extend(token, probability: probability, costs: costs)
      row += 1
    }
  }
}
