/// ChatML as Qwen 3 uses it: a reply may begin with a thought, which leaves the conversation once
/// the user has spoken again.
///
/// Sources: the templates published with Qwen/Qwen3-0.6B, Qwen/QwQ-32B, openbmb/MiniCPM5-1B.
struct Qwen3: ChatFormat {
  let name: String
  /// Whether the generation prompt opens a thought, for models that always think.
  let opensThought: Bool
  /// Whether an empty thought in the generation prompt makes the model go without.
  let canSkipThought: Bool
  private let base = ChatML()

  init(opensThought: Bool, canSkipThought: Bool) {
    name = opensThought ? "qwen3-thinking" : "qwen3"
    self.opensThought = opensThought
    self.canSkipThought = canSkipThought
  }

  var turnEnd: String { base.turnEnd }
  var afterTurnEnd: String { base.afterTurnEnd }

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    let lastQuery = messages.lastIndex { $0.role == .user } ?? messages.count - 1
    for (index, message) in messages.enumerated() {
      guard message.role == .assistant else {
        base.writeTurn(message.role, message.content, to: &prompt)
        continue
      }
      let answer = message.content.withoutThought
      let isThoughtless = answer.utf8.count == message.content.utf8.count
      let isLast = index == messages.count - 1
      if index > lastQuery, isLast || !message.content.thought.isEmpty {
        prompt.special("<|im_start|>")
        prompt.text("assistant\n")
        writeThought(message.content.thought, to: &prompt)
        prompt.text(answer.withoutLeadingNewlines)
        base.writeTurnEnd(to: &prompt)
      } else {
        base.writeTurn(
          .assistant, isThoughtless ? answer : answer.withoutLeadingNewlines, to: &prompt)
      }
    }
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {
    base.writeGenerationPrompt(thinking: thinking, to: &prompt)
    if !thinking && canSkipThought {
      writeThought("", to: &prompt)
    } else if opensThought {
      prompt.special("<think>")
      prompt.text("\n")
    }
  }

  private func writeThought(_ thought: String, to prompt: inout ChatPrompt) {
    prompt.special("<think>")
    prompt.text("\n" + thought + "\n")
    prompt.special("</think>")
    prompt.text("\n\n")
  }
}
