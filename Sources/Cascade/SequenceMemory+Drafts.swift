package import Model

/// Tokens that are read before it is certain that they belong to the sequence.
extension SequenceMemory {
  /// Tokens that may follow the next one on trial: appended in one step with it, and taken back with
  /// ``retract(to:in:)`` before `slide` where they turn out not to belong there.
  ///
  /// Between two steps nothing is named, let go or counted, so what a trial token leaves are its own
  /// key and value, which the token that takes its place overwrites. Only layers act within a step,
  /// when there is an index: they choose blocks at each `recall.every`th token and index the block that
  /// the last one has filled. Trial tokens stop short of both.
  package var draftRoom: Int {
    let first = count + 1
    var room = plan.window == .full ? capacity - first : Int.max
    if index != nil {
      let every = plan.options.every
      room = min(room, (first + every - 1) / every * every - first)
      room = min(room, (first / plan.blockLength + 1) * plan.blockLength - 1 - first)
    }
    return max(0, room)
  }

  /// Appends a token to the window alone, for a step that only guesses what comes behind it. Nothing is
  /// recalled for it. ``retractGuesses(in:)`` takes it back before the next step.
  package func appendGuess(
    _ token: TokenID, to step: Step, from pool: KVBlockPool
  ) -> Bool {
    let token: InlineArray<1, TokenID> = [token]
    step.nextIsPrompt = false
    return working.append(token.span, to: step, from: pool, logits: 1)
  }

  /// Takes the tokens back that were appended for guesses. Their keys and values are overwritten by the
  /// tokens that take their place.
  package func retractGuesses(in pool: KVBlockPool) {
    working.retract(to: tokens.count, in: pool)
  }
}
