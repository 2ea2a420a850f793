/// Mistral's `[INST] user [/INST] reply</s>`, which differs in its spaces from one tokenizer of
/// theirs to the next, and since version 7 has a system turn.
///
/// Before that the system's text stands in front of the user's. Mistral's own templates of version
/// 3 move it to the newest user turn each time, which would change what the model has already
/// read; here it stays in the first, as in version 1.
/// Source: mistral-common and the templates published with Mistral-7B-Instruct-v0.1 to v0.3,
/// Mistral-Nemo-Instruct-2407, Mistral-Large-Instruct-2411, Mistral-Small-3.1-24B-Instruct-2503.
struct Mistral: ChatFormat {
  let name: String
  var turnEnd = "</s>"
  var afterTurnEnd = ""
  /// Around the user's text: before and after `[INST]`, and before `[/INST]`.
  let beforeStart: String
  let afterStart: String
  let beforeEnd: String
  /// In front of a reply.
  let beforeReply: String
  /// Whether white space around replies is dropped.
  var trimsReplies = false
  /// Whether the system has a turn of its own.
  var hasSystemTurn = false

  static let v0 = Mistral(
    name: "mistral", beforeStart: "", afterStart: " ", beforeEnd: " ", beforeReply: "")
  static let v1 = Mistral(
    name: "mistral-v1", beforeStart: " ", afterStart: " ", beforeEnd: " ", beforeReply: " ")
  static let v3 = Mistral(
    name: "mistral-v3", beforeStart: "", afterStart: " ", beforeEnd: "", beforeReply: " ",
    trimsReplies: true)
  static let v3Tekken = Mistral(
    name: "mistral-v3-tekken", beforeStart: "", afterStart: "", beforeEnd: "", beforeReply: "")
  static let v7 = Mistral(
    name: "mistral-v7", beforeStart: "", afterStart: " ", beforeEnd: "", beforeReply: " ",
    hasSystemTurn: true)
  static let v7Tekken = Mistral(
    name: "mistral-v7-tekken", beforeStart: "", afterStart: "", beforeEnd: "", beforeReply: "",
    hasSystemTurn: true)

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    let turns =
      hasSystemTurn
      ? messages
      : messages.foldingSystem { system, user in (system.map { $0 + "\n\n" } ?? "") + user }
    for message in turns {
      switch message.role {
      case .system:
        prompt.special("[SYSTEM_PROMPT]")
        prompt.text(afterStart + message.content)
        prompt.special("[/SYSTEM_PROMPT]")
      case .user:
        prompt.text(beforeStart)
        prompt.special("[INST]")
        prompt.text(afterStart + message.content + beforeEnd)
        prompt.special("[/INST]")
      case .assistant:
        prompt.text(beforeReply + (trimsReplies ? message.content.trimmed : message.content))
        writeTurnEnd(to: &prompt)
      }
    }
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {}
}

extension Mistral {
  static func recognise(_ source: TemplateSource, endOfSequence: String) -> (any ChatFormat)? {
    guard source.contains("[INST]") else { return nil }
    let spaced = source.contains("[INST] ")
    var format: Mistral
    if source.contains("[SYSTEM_PROMPT]") {
      format = spaced ? v7 : v7Tekken
    } else if source.contains(" [INST] ") {
      format = v1
    } else if source.contains(" [/INST]") {
      format = v0
    } else {
      format = spaced ? v3 : v3Tekken
    }
    format.turnEnd = endOfSequence
    // Mistral-7B-Instruct-v0.1.
    if source.contains("eos_token + ' '") { format.afterTurnEnd = " " }
    return format
  }
}
