internal import Cascade
internal import Model

/// Works timed behind a text that is in the cache, for a bench.
extension Stepper {
  /// - Parameters:
  ///   - depth: tokens of the text.
  ///   - threads: how many of the engine's threads take part.
  func time(
    _ work: TimedWork, behind depth: Int, threads: Int
  ) throws(EngineError) -> WorkTimes {
    if case .verify(let rows, _) = work, rows > logitsPerPass {
      throw EngineError(
        .prompt,
        "\(rows) tokens cannot be checked in one pass; give between 1 and \(logitsPerPass).")
    }
    compute.use(threads: threads)
    defer { compute.use(threads: compute.threads) }
    let (reply, tokens) = try timedText(of: depth, with: work.length)
    // What has left a window cannot come back.
    let isKept = options.window == .full
    defer { if !isKept { end(reply) } }
    let memory = reply.state!.memory
    // What is to be taken back must not be given a name, as blocks are when a window slides.
    func run(_ range: Range<Int>, logits: Int) {
      runOnTrial(tokens.span.extracting(range), memory, logits: logits)
      if !isKept { memory.slide(in: pool) }
    }
    defer { if isKept { memory.retract(to: depth, in: pool) } }
    let all = depth..<depth + work.length
    if case .prefill = work { memory.isReading = true } else { memory.isReading = false }
    switch work {
    case .prefill:
      let begun = clock.now
      for start in stride(from: depth, to: all.upperBound, by: options.prefillChunk) {
        let end = min(start + options.prefillChunk, all.upperBound)
        run(start..<end, logits: end == all.upperBound ? 1 : 0)
      }
      let duration = clock.now - begun
      let pass = pass
      _ = reply.state!.sampler.sample(pass.logits(0).extracting(0..<tokenizer.vocabularySize))
      return WorkTimes(duration: duration, firstToken: clock.now - begun)
    case .decode:
      return WorkTimes(
        duration: clock.measure { for index in all { run(index..<index + 1, logits: 1) } })
    case .verify(let rows, let passes):
      return WorkTimes(
        duration: clock.measure {
          for _ in 0..<passes {
            runOnTrial(tokens.span.extracting(all), memory, logits: rows)
            memory.retract(to: depth, in: pool)
          }
        })
    }
  }

  /// An open reply that has read a text of `depth` tokens and has room for `length` more, and all these tokens.
  private func timedText(
    of depth: Int, with length: Int
  ) throws(EngineError) -> (Reply, [TokenID]) {
    if let kept = timedTexts[depth] {
      if kept.prompt.count >= depth + length { return (kept, kept.prompt) }
      timedTexts[depth] = nil
      end(kept)
    }
    let tokens = try arbitraryTokens(depth + length)
    let reply = try measured(tokens)
    let memory = reply.state!.memory
    for start in stride(from: 0, to: depth, by: options.prefillChunk) {
      let end = min(start + options.prefillChunk, depth)
      run(tokens.span.extracting(start..<end), memory, logits: 0)
    }
    if options.window == .full { timedTexts[depth] = reply }
    return (reply, tokens)
  }
}
