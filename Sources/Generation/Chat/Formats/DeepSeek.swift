/// DeepSeek V3 and R1, and the models distilled from it: `<｜User｜>content<｜Assistant｜>reply` and an
/// end token. Thoughts leave the conversation with the next turn; R1 is made to begin with one.
///
/// Source: the templates published with deepseek-ai/DeepSeek-V3 and DeepSeek-R1-Distill-Qwen-1.5B.
struct DeepSeek: ChatFormat {
  let name: String
  let turnEnd = "<｜end▁of▁sentence｜>"
  let afterTurnEnd = ""
  /// Whether the generation prompt opens a thought.
  let opensThought: Bool
  /// Whether thoughts are dropped from replies.
  var dropsThoughts = true

  static let v3 = DeepSeek(name: "deepseek3", opensThought: false, dropsThoughts: false)
  static let r1 = DeepSeek(name: "deepseek-r1", opensThought: true)

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    // System messages come first, wherever they stand.
    let system = messages.filter { $0.role == .system }.map(\.content)
    prompt.text(system.joined(separator: "\n\n"))
    for message in messages {
      switch message.role {
      case .system: break
      case .user:
        prompt.special("<｜User｜>")
        prompt.text(message.content)
      case .assistant:
        prompt.special("<｜Assistant｜>")
        prompt.text(dropsThoughts ? message.content.withoutThought : message.content)
        writeTurnEnd(to: &prompt)
      }
    }
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {
    prompt.special("<｜Assistant｜>")
    if opensThought {
      prompt.special("<think>")
      prompt.text("\n")
    }
  }
}

/// DeepSeek V2: `User: content\n\nAssistant: reply` and an end token.
///
/// Source: the template published with deepseek-ai/DeepSeek-V2-Lite-Chat.
struct DeepSeek2: ChatFormat {
  let name = "deepseek2"
  var turnEnd = "<｜end▁of▁sentence｜>"
  let afterTurnEnd = ""

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    for message in messages {
      switch message.role {
      case .system: prompt.text(message.content + "\n\n")
      case .user: prompt.text("User: " + message.content + "\n\n")
      case .assistant:
        prompt.text("Assistant: " + message.content)
        writeTurnEnd(to: &prompt)
      }
    }
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {
    prompt.text("Assistant:")
  }
}

extension DeepSeek {
  static func recognise(_ source: TemplateSource, endOfSequence: String) -> (any ChatFormat)? {
    if source.contains("'Assistant: ' + message['content'] + eos_token") {
      return DeepSeek2(turnEnd: endOfSequence)
    }
    // V3.1 and later switch thinking on and off by other marks.
    guard source.contains("'<｜User｜>' + message['content']"), source.contains("<｜Assistant｜>"),
      !source.containsAny("thinking is defined", "'<｜User｜>' + message['content'] + '<｜end")
    else { return nil }
    let opensThought = source.contains("<｜Assistant｜><think>\\n")
    return DeepSeek(
      name: opensThought ? r1.name : v3.name, opensThought: opensThought,
      dropsThoughts: source.contains("split('</think>')"))
  }
}
