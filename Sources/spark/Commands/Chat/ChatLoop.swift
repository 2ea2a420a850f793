import ArgumentParser
import Generation

/// Reads lines, and has the model answer them, until there are no more.
struct ChatLoop {
  let engine: Engine
  var conversation: Conversation
  var options: GenerationOptions
  let window: Window
  /// How long the weights stay in memory without a question; nil: as long as the chat lasts.
  let keepAlive: Duration?
  let explains: Bool
  let isQuiet: Bool
  let isVerbose: Bool

  private let lines = LineSource()
  let remarks = ChatRemarks()
  var last: GenerationSummary?
  /// Whether it was told that text has left the window.
  private var isLossTold = false

  init(
    engine: Engine, conversation: Conversation, options: GenerationOptions, window: Window,
    keepAlive: Duration?, explains: Bool, isQuiet: Bool, isVerbose: Bool
  ) {
    self.engine = engine
    self.conversation = conversation
    self.options = options
    self.window = window
    self.keepAlive = keepAlive
    self.explains = explains
    self.isQuiet = isQuiet
    self.isVerbose = isVerbose
  }

  mutating func run() async throws {
    try greet()
    loop: while true {
      switch try await nextLine() {
      case .end:
        if lines.isInteractive { Output.error.tell("\n") }
        break loop
      case .interrupted(let wasEmpty): if wasEmpty { break loop }
      case .text(let line):
        switch ChatInput(line) {
        case .nothing: break
        case .message(let text): try await answer { try $0.reply(to: text, options: $1) }
        case .unknown(let name):
          remarks.remark(
            "there is no command /\(visible(Array(name.utf8))); /help lists those that there are.")
        case .command(.exit, _): break loop
        case .command(let command, let argument): try await obey(command, argument)
        }
      }
    }
    if !conversation.isResumed { try conversation.discardIfEmpty() }
  }

  private func nextLine() async throws -> LineSource.Line {
    let unloading = keepAlive.map { [engine] delay in
      // Reading from a pipe holds this thread.
      Task.detached {
        try await Task.sleep(for: delay)
        await engine.unload()
      }
    }
    defer { unloading?.cancel() }
    return try await lines.next()
  }

  private func greet() throws {
    let messages = try conversation.messages()
    lines.remember(messages.filter { $0.role == .user }.map(\.content))
    guard !isQuiet else { return }
    let said = messages.count { $0.role != .system }
    let state = conversation.isResumed ? "\(said.inTurns) so far" : "a new one"
    remarks.remark(
      "session \(conversation.name) of the namespace \(conversation.namespace), \(state); /help lists "
        + "the commands")
  }

  // MARK: - Replies

  /// Has a reply made and tells it. In a terminal what goes wrong is told, and the chat goes on.
  mutating func answer(
    _ begin: (Conversation, GenerationOptions) throws -> TokenStream
  ) async throws {
    let summary: GenerationSummary
    do {
      let stream = try begin(conversation, options)
      summary = try await Interruption.cancels { try await Self.tell(stream) }
    } catch let error as EngineError where lines.isInteractive {
      return remarks.remark(error.message)
    }
    last = summary
    explain(summary)
    if summary.stopReason == .cancelled {
      guard lines.isInteractive else { throw ExitCode(Interruption.exitCode) }
      if summary.generatedTokens == 0 {
        remarks.remark("stopped before anything was said; the question is not kept.")
      }
    }
  }

  private static func tell(_ stream: TokenStream) async throws -> GenerationSummary {
    let output = Output.standard
    var isLineEnded = true
    func write(_ text: String) throws {
      guard let last = text.utf8.last else { return }
      try output.write(text)
      isLineEnded = last == UInt8(ascii: "\n")
    }
    for try await event in stream {
      switch event {
      case .token(let token): try write(token.text)
      case .finished(let summary):
        try write(summary.trailingText)
        // A reply of no text is a line all the same, for a program that reads line by line.
        if !isLineEnded || summary.stopReason != .cancelled && summary.generatedTokens <= 1 {
          try output.write("\n")
        }
        return summary
      }
    }
    preconditionFailure("a token stream ends with a summary")
  }

  private mutating func explain(_ summary: GenerationSummary) {
    for line in summary.beams?.lines ?? [] { remarks.remark(line) }
    for notice in summary.memory.notices { remarks.remark(notice) }
    if summary.evictedTokens > 0, !isLossTold, case .sliding(let tokens) = window {
      isLossTold = true
      let way =
        conversation.scope == .none
        ? "a larger --window keeps more of it there"
        : "what it says comes back when the talk turns to it, and a larger --window keeps more of it there"
      remarks.remark(
        "the beginning of this conversation has left the window of \(tokens.inTokens): \(way).")
    }
    if explains { recall() }
    if isVerbose { remarks.tell("\(Statistics(summary: summary, isVerbose: true))") }
  }

  /// Tells what was recalled for the last reply.
  func recall() {
    guard let last else { return remarks.remark("no reply was made yet.") }
    let passages = last.memory.passages
    guard !passages.isEmpty else {
      return explains ? () : remarks.remark("nothing was recalled for the last reply.")
    }
    for passage in passages {
      remarks.remark(PassageRecord(passage, tokenizer: engine.tokenizer).line)
    }
  }
}
