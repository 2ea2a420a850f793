internal import Cache
internal import Cascade
internal import Hardware
internal import Model

/// Measuring and comparing, apart from replies.
extension Stepper {
  /// Calls `body` with the logits after each of `tokens`, [vocabulary], in order.
  ///
  /// - Parameter memory: whose memory they draw on; nobody's is added to.
  func logits(
    of tokens: [TokenID], memory: MemoryOptions,
    isCancelled: () -> Bool, _ body: (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) throws {
    var memory = memory
    memory.session = MemoryOwner.nobody
    let reply = try measured(tokens, memory: memory)
    defer { end(reply) }
    let pass = pass
    for start in stride(from: 0, to: tokens.count, by: logitsPerPass) {
      if isCancelled() { throw CancellationError() }
      let end = min(start + logitsPerPass, tokens.count)
      run(tokens.span.extracting(start..<end), reply.state!.memory, logits: end - start)
      for index in start..<end { try body(index, pass.logits(index - start)) }
    }
  }

  /// Calls `body` with the logits after each of `tokens`, [vocabulary], in order, each read as if it had
  /// been generated, and with the layers that it went through.
  ///
  /// - Returns: time that the passes took.
  func logitsWhenGenerated(
    of tokens: [TokenID], isCancelled: () -> Bool,
    _ body: (_ index: Int, _ logits: Span<Float>, _ depth: Int) throws -> Void
  ) throws -> Duration {
    let reply = try measured(tokens)
    defer { end(reply) }
    let pass = pass
    var duration = Duration.zero
    for index in tokens.indices {
      if isCancelled() { throw CancellationError() }
      let token: InlineArray<1, TokenID> = [tokens[index]]
      duration += clock.measure {
        feed(token, reply.state!.memory)
      }
      try body(index, pass.logits(0).extracting(0..<tokenizer.vocabularySize), pass.depth(0))
    }
    return duration
  }

  /// How keys and values lie in the cache.
  var layout: KVLayout { pool.layout }

  /// Reads `tokens` and copies the blocks that they fill, [blocks][layers][layerByteCount].
  func cachedBlocks(of tokens: [TokenID], isCancelled: () -> Bool) throws -> [UInt8] {
    let reply = try measured(tokens)
    defer { end(reply) }
    guard read(tokens, reply.state!.memory, isCancelled: isCancelled) else {
      throw CancellationError()
    }
    var bytes: [UInt8] = []
    for block in reply.state!.memory.working.held.prefix(tokens.count / layout.blockLength) {
      unsafe bytes.append(
        contentsOf: UnsafeBufferPointer(
          start: pool.pointer(to: block), count: layout.blockByteCount))
    }
    return bytes
  }

  /// Calls `body` with the logits after each of `tokens` whose keys and values are not in `blocks`,
  /// which hold those of the first tokens as `cachedBlocks` gives them.
  func logits(
    of tokens: [TokenID], after blocks: [UInt8], isCancelled: () -> Bool,
    _ body: (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) throws {
    precondition(options.window == .full && blocks.count % layout.blockByteCount == 0)
    let reply = try measured(tokens)
    defer { end(reply) }
    let cached = blocks.count / layout.blockByteCount * layout.blockLength
    for start in stride(from: 0, to: cached, by: step.maxRows) {
      // Takes the blocks; what this step would compute is known already.
      step.clear()
      let part = tokens.span.extracting(start..<min(start + step.maxRows, cached))
      let hasRoom = reply.state!.memory.append(part, to: step, from: pool, logits: 0)
      precondition(hasRoom, "a reply outgrew the blocks set aside for it")
    }
    for (index, block) in reply.state!.memory.working.held.enumerated() {
      unsafe blocks.withUnsafeBufferPointer { blocks in
        let from = unsafe blocks.baseAddress! + index * layout.blockByteCount
        unsafe pool.pointer(to: block).update(from: from, count: layout.blockByteCount)
      }
    }
    let pass = pass
    for start in stride(from: cached, to: tokens.count, by: logitsPerPass) {
      if isCancelled() { throw CancellationError() }
      let end = min(start + logitsPerPass, tokens.count)
      run(tokens.span.extracting(start..<end), reply.state!.memory, logits: end - start)
      for index in start..<end { try body(index, pass.logits(index - start)) }
    }
  }

  /// Reads `tokens` with full attention, and calls `body` with what layers attended with.
  func probeAttention<Result>(
    of tokens: [TokenID], isCancelled: () -> Bool, _ body: (AttentionProbe) throws -> Result
  ) throws -> Result {
    precondition(options.window == .full && !tokens.isEmpty)
    let reply = try measured(tokens)
    defer { end(reply) }
    let probe = AttentionProbe(
      shape: model.shape, layout: pool.layout, rope: pass.rope, compute: compute)
    pass.views = probe
    defer { pass.views = recaller }
    guard read(tokens, reply.state!.memory, isCancelled: isCancelled) else {
      throw CancellationError()
    }
    probe.read(into: reply.state!.memory.working.held, of: pool)
    return try body(probe)
  }

  /// Time to read `count` tokens in an empty context, without sampling.
  func measurePrefill(tokens count: Int) throws(EngineError) -> Duration {
    let tokens = try arbitraryTokens(count)
    let reply = try measured(tokens)
    defer { end(reply) }
    return clock.measure { _ = read(tokens, reply.state!.memory, isCancelled: { false }) }
  }

  /// Time to decode `count` tokens one by one in an empty context, without sampling.
  func measureDecode(tokens count: Int) throws(EngineError) -> Duration {
    let tokens = try arbitraryTokens(count) + [0]
    let reply = try measured(tokens)
    defer { end(reply) }
    feed([tokens[0]], reply.state!.memory)
    return clock.measure {
      for token in tokens.dropFirst() { feed([token], reply.state!.memory) }
    }
  }

  /// Time of `passes` passes that score `rows` tokens each behind a text of `context` tokens, and take
  /// them back: what checking a draft costs.
  func measureVerification(
    rows: Int, passes: Int, context: Int
  ) throws(EngineError) -> Duration {
    guard (1...logitsPerPass).contains(rows) else {
      throw EngineError(
        .prompt,
        "\(rows) tokens cannot be checked in one pass; give between 1 and \(logitsPerPass).")
    }
    let tokens = try arbitraryTokens(context + rows)
    let reply = try measured(tokens)
    defer { end(reply) }
    let memory = reply.state!.memory
    _ = read(Array(tokens.prefix(context)), memory, isCancelled: { false })
    memory.isReading = false
    func pass() {
      runOnTrial(tokens.span.extracting(context..<context + rows), memory, logits: rows)
      memory.retract(to: context, in: pool)
    }
    pass()
    return clock.measure {
      for _ in 0..<passes { pass() }
    }
  }

  /// Runs one generated token; its successor's logits are then the pass's first.
  func feed(_ token: InlineArray<1, TokenID>, _ memory: SequenceMemory) {
    memory.isReading = false
    run(token.span, memory, logits: 1, mayLeave: options.earlyExit != nil)
  }

  /// An open reply with room for `tokens` and nothing more.
  func measured(
    _ tokens: [TokenID], memory: MemoryOptions = MemoryOptions(scope: .none)
  ) throws(EngineError) -> Reply {
    guard options.window != .full || tokens.count <= contextLength else {
      throw EngineError(
        .prompt, "\(tokens.count) tokens do not fit a context of \(contextLength).")
    }
    let reply = Reply(
      prompt: tokens, options: GenerationOptions(maxTokens: 0, memory: memory), seed: 0)
    reply.state = try open(reply)
    return reply
  }

  /// Tokens spread over the vocabulary: what they are makes no difference to the time.
  func arbitraryTokens(_ count: Int) throws(EngineError) -> [TokenID] {
    let most = options.window == .full ? contextLength : 1 << 24
    guard (1...most).contains(count) else {
      throw EngineError(
        .prompt, "\(count) tokens cannot be measured; give between 1 and \(most).")
    }
    return (0..<count).map { TokenID(($0 * 7919 + 11) % tokenizer.vocabularySize) }
  }
}
