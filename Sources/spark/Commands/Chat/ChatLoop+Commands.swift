import Generation

/// What a chat does when it is told to by a line that begins with a slash.
extension ChatLoop {
  /// What goes wrong is told, and the chat goes on.
  mutating func obey(_ command: ChatCommand, _ argument: String) async throws {
    let needsArgument = [.fork, .forget, .read].contains(command)
    guard !needsArgument || !argument.isEmpty else {
      return remarks.remark("/\(command.rawValue) needs \(command.usage.argument).")
    }
    do {
      switch command {
      case .help: remarks.tell(ChatCommand.list)
      case .save:
        remarks.remark(
          "everything that was said is saved already; spark chat --session \(conversation.name) goes on."
        )
      case .sessions: try await listSessions()
      case .fork:
        conversation = try conversation.fork(as: argument)
        remarks.remark("this is the session \(argument) from now on.")
      case .memory: try await tellMemory()
      case .forget: try await forget(argument)
      case .recall: recall()
      case .system: try setInstructions(argument)
      case .regen: try await answer { try $0.regenerate(options: $1) }
      case .undo:
        remarks.remark(
          try conversation.undo()
            ? "the last question and its reply are taken back."
            : "nothing was said in this session yet.")
      case .set: try set(argument)
      case .stats:
        guard let last else { return remarks.remark("no reply was made yet.") }
        remarks.tell("\(Statistics(summary: last, isVerbose: isVerbose))")
      case .read: try await read(argument)
      case .exit: break
      }
    } catch let error as EngineError where command != .regen || error.code == .session {
      remarks.remark(error.message)
    } catch let error as InputError {
      remarks.remark(error.description)
    }
  }

  private func listSessions() async throws {
    let sessions = try await engine.sessions.list(in: conversation.namespace)
    remarks.tell(SessionRecord.table(sessions.map { SessionRecord($0) }))
  }

  private func tellMemory() async throws {
    let holdings = try await engine.memory.holdings()
    let name = conversation.namespace
    guard let own = holdings.namespaces.first(where: { $0.name == name }) else {
      return remarks.remark("the namespace \(name) remembers nothing yet.")
    }
    remarks.remark(
      "the namespace \(name) remembers \(own.tokens.inTokens) in \(own.passages.inPassages) of "
        + "\(own.sessions == 1 ? "1 session" : "\(own.sessions) sessions") and \(own.concepts.inConcepts), \(own.bytes.disk.inBytes) on disk."
    )
    let status = try await engine.store.status()
    remarks.remark(
      "the store takes \(status.files.total.inBytes) on disk; its budget is \(status.budget.inBytes)."
    )
    let tiers = StoreRecord.tiers(status.activity)
    if !tiers.isEmpty { remarks.tell(StoreRecord.table(of: tiers) + "\n") }
  }

  private func forget(_ text: String) async throws {
    let forgotten = try await engine.memory.forget(
      .containing(text), in: conversation.namespace, askedIn: conversation)
    remarks.remark(
      "forgot \(forgotten.passages.inPassages), \(forgotten.concepts.inConcepts) and "
        + "\(forgotten.turns.inTurns).")
  }

  private func setInstructions(_ text: String) throws {
    if text.isEmpty {
      let first = try conversation.messages().first
      return remarks.remark(
        first?.role == .system
          ? "the model is told: \(oneLine(first!.content))" : "the model is told nothing.")
    }
    try conversation.system(text == "-" ? nil : text)
    remarks.remark(
      text == "-" ? "the model is told nothing from now on." : "the model is told so from now on.")
  }

  private mutating func set(_ argument: String) throws {
    let words = argument.split(whereSeparator: \.isWhitespace).map(String.init)
    if words.isEmpty {
      let all = ChatSetting.allCases.map { "  \($0.rawValue) \($0.value(in: options))\n" }
      return remarks.tell(all.joined())
    }
    guard words.count == 2, let setting = ChatSetting(name: words[0]) else {
      throw InputError("/set takes a name and a value; /set alone lists them.")
    }
    options = try setting.setting(words[1], in: options)
    remarks.remark("\(setting.rawValue) is \(setting.value(in: options)) from now on.")
  }

  private func read(_ file: String) async throws {
    guard file != "-" else { throw InputError("/read needs a file; standard input is the chat's.") }
    let text = try TextInput.text(from: file)
    guard !text.isEmpty else {
      throw InputError("\(file) is empty; there is nothing to remember.")
    }
    let (engine, namespace, isQuiet) = (engine, conversation.namespace, isQuiet)
    let result = try await Interruption.cancels {
      let progress = ReadingProgress(
        total: try engine.tokens(of: .text(text)).count, isQuiet: isQuiet)
      defer { progress.clear() }
      return try await engine.remember(text, as: file, in: namespace) { progress.advance(to: $0) }
    }
    remarks.remark(RememberedRecord(result, namespace: namespace, session: file).line)
  }
}
