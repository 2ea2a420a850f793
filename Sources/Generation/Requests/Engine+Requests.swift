/// Whole replies, and several at a time.
///
///     let engine = try Engine(path: "models/spark-mini.gguf")
///     let story = try await engine.generate(.text("Once upon a time"))
///     print(story.text)
///
///     let requests = ["The sun", "The moon"].map { GenerationRequest(.text($0)) }
///     for result in await engine.generateBatch(requests) { print(try result.get().text) }
///
///     let handle = try engine.submit(GenerationRequest(.text("A long tale")))
///     await handle.setPriority(.background)
///     print(handle.status)
///     handle.cancel()
///
/// Requests that are made at the same time go through the model together, whichever way they are made, and
/// each says what it would say alone.
extension Engine {
  /// Begins a reply; see ``stream(_:template:options:onPrefill:)``.
  public func stream(_ request: GenerationRequest) throws(EngineError) -> TokenStream {
    try stream(request.prompt, template: request.template, options: request.options)
  }

  /// A whole reply. When the caller's task is cancelled, it ends within a token with what it has.
  public func generate(
    _ prompt: Prompt, template: ChatTemplate? = nil,
    options: GenerationOptions = GenerationOptions()
  ) async throws(EngineError) -> Completion {
    try await Completion(reading: stream(prompt, template: template, options: options))
  }

  /// A whole reply to each request, in their order. One that fails does not stop the others.
  ///
  /// - Parameter onCompletion: called with each as it ends, in whatever order they do.
  public func generateBatch(
    _ requests: [GenerationRequest],
    onCompletion: @Sendable (_ index: Int, Result<Completion, EngineError>) -> Void = { _, _ in }
  ) async -> [Result<Completion, EngineError>] {
    await withTaskGroup(of: (Int, Result<Completion, EngineError>).self) { group in
      var results = [Result<Completion, EngineError>?](repeating: nil, count: requests.count)
      // The rest would only wait for its turn, beside other callers' requests.
      var next = 0
      func add() {
        guard next < requests.count else { return }
        let (index, request) = (next, requests[next])
        next += 1
        group.addTask { (index, await self.completion(of: request)) }
      }
      for _ in 0..<batchCeiling { add() }
      for await (index, result) in group {
        results[index] = result
        onCompletion(index, result)
        add()
      }
      return results.map { $0! }
    }
  }

  /// Requests of a batch that are asked for at a time: no more than may wait for their turn.
  private var batchCeiling: Int { max(1, min(64, queueLimit)) }

  private func completion(
    of request: GenerationRequest
  ) async -> Result<Completion, EngineError> {
    do throws(EngineError) {
      return .success(try await Completion(reading: stream(request)))
    } catch {
      return .failure(error)
    }
  }

  /// The events of several replies as they are made, each with the place of its request. A reader who is slow
  /// slows all of them.
  public func stream(_ requests: [GenerationRequest]) throws(EngineError) -> BatchStream {
    var streams: [TokenStream] = []
    for request in requests { streams.append(try stream(request)) }
    return BatchStream(streams, atATime: batchCeiling)
  }

  /// Has a reply made without anybody reading along. It begins at once.
  public func submit(_ request: GenerationRequest) throws(EngineError) -> ReplyHandle {
    try ReplyHandle(core: core) { onPrefill throws(EngineError) in
      try stream(
        request.prompt, template: request.template, options: request.options,
        onPrefill: onPrefill)
    }
  }
}
