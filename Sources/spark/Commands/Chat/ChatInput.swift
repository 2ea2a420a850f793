/// What a line of a chat means.
enum ChatInput: Equatable {
  case message(String)
  case command(ChatCommand, argument: String)
  case unknown(String)
  case nothing

  init(_ line: String) {
    let text = line.trimmingSpaces
    if text.isEmpty {
      self = .nothing
    } else if text.hasPrefix("//") {
      self = .message(String(text.dropFirst()))
    } else if text.hasPrefix("/") {
      let name = text.dropFirst().prefix { !$0.isWhitespace }
      guard let command = ChatCommand(rawValue: String(name)) else {
        self = .unknown(String(name))
        return
      }
      self = .command(
        command, argument: String(text.dropFirst(1 + name.count)).trimmingSpaces)
    } else {
      self = .message(text)
    }
  }
}

/// What can be asked of a chat beside what is said to the model.
enum ChatCommand: String, CaseIterable {
  case help, save, sessions, fork, memory, forget, recall, system, regen, undo, set, stats, read
  case exit

  /// What it takes, and what it does.
  var usage: (argument: String, does: String) {
    switch self {
    case .help: ("", "list these commands")
    case .save: ("", "say how the conversation is kept")
    case .sessions: ("", "list the namespace's conversations")
    case .fork: ("NAME", "go on in a copy of this conversation")
    case .memory: ("", "tell how much the namespace remembers")
    case .forget: ("TEXT", "forget what says this text, here and in memory")
    case .recall: ("", "tell what was recalled for the last reply")
    case .system: ("TEXT", "tell the model what to be; - nothing; without TEXT: show it")
    case .regen: ("", "have the last question answered anew")
    case .undo: ("", "take the last question and its reply back")
    case .set: ("NAME VALUE", "change how replies are made; without: show what can be")
    case .stats: ("", "tell the last reply's figures")
    case .read: ("FILE", "read a document into the namespace's memory")
    case .exit: ("", "leave")
    }
  }

  static var list: String {
    allCases.map { command in
      let (argument, does) = command.usage
      let call = "/\(command.rawValue) \(argument)"
      return "  \(call)\(String(repeating: " ", count: max(1, 18 - call.count)))\(does)\n"
    }.joined()
  }
}

extension String {
  /// Without spaces and line ends around it.
  var trimmingSpaces: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }),
      let last = lastIndex(where: { !$0.isWhitespace })
    else { return "" }
    return String(self[first...last])
  }
}
