internal import Model

/// Where the time of passes goes.
extension Stepper {
  /// The pass in hand is about to begin.
  func beginProfile() {
    guard let profile else { return }
    let reading = members.count { $0.reply.isReading }
    profile.beginPass(reading == 0 ? .decode : reading == members.count ? .prefill : .mixed)
  }

  /// It has its rows.
  func noteRows() {
    guard let profile else { return }
    var read = 0
    for turn in members { read += turn.reply.state!.chunk?.count ?? 0 }
    profile.noteRows(read: read, decoded: step.rows - read)
  }

  /// Reads `count` tokens behind a text of `depth` tokens, and books where the time goes.
  func profilePrefill(
    tokens count: Int, depth: Int, isCancelled: () -> Bool
  ) throws(EngineError) {
    let tokens = try arbitraryTokens(depth + count)
    let reply = try measured(tokens)
    defer { end(reply) }
    let memory = reply.state!.memory
    _ = read(Array(tokens.prefix(depth)), memory, isCancelled: isCancelled)
    while memory.count < tokens.count, !isCancelled() {
      let end = min(memory.count + options.prefillChunk, tokens.count)
      profile?.beginPass(.prefill)
      let chunk = memory.count..<end
      profile?.noteRows(read: chunk.count, decoded: 0)
      runOnTrial(tokens.span.extracting(chunk), memory, logits: end == tokens.count ? 1 : 0)
      profile?.begin(.eviction)
      memory.slide(in: pool)
      profile?.begin(.other)
      profile?.endPass()
    }
  }

  /// Generates `count` tokens behind a text of `depth` tokens, each drawn by the usual samplers, and books where
  /// the time goes. What is generated before the first one is not counted.
  func profileDecode(
    tokens count: Int, depth: Int, isCancelled: () -> Bool
  ) throws(EngineError) {
    let warmUp = 1
    let reply = try measured(try arbitraryTokens(depth + warmUp + count))
    defer { end(reply) }
    let (memory, pass) = (reply.state!.memory, pass)
    _ = read(Array(reply.prompt.prefix(depth)), memory, isCancelled: isCancelled)
    memory.isReading = false
    var token = reply.prompt[depth]
    for index in 0..<warmUp + count where !isCancelled() {
      if index >= warmUp {
        profile?.beginPass(.decode)
        profile?.noteRows(read: 0, decoded: 1)
      }
      let row: InlineArray<1, TokenID> = [token]
      runOnTrial(row.span, memory, logits: 1, mayLeave: options.earlyExit != nil)
      profile?.begin(.sampling)
      let logits = pass.logits(0).extracting(0..<tokenizer.vocabularySize)
      token = reply.state!.sampler.sample(logits)
      reply.state!.sampler.accept(token)
      profile?.begin(.eviction)
      memory.slide(in: pool)
      profile?.begin(.other)
      profile?.endPass()
    }
  }
}
