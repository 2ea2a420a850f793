/// ChatML: `<|im_start|>role\ncontent<|im_end|>\n`.
///
/// Qwen 1.5 to 2.5, SmolLM, Hermes and many others, and the embedded model. Some templates bring
/// a system message for conversations without one.
/// Sources: the templates published with teknium/OpenHermes-2.5-Mistral-7B,
/// Qwen/Qwen2.5-7B-Instruct, HuggingFaceTB/SmolLM2-360M-Instruct.
struct ChatML: ChatFormat {
  var name = "chatml"
  let turnEnd = "<|im_end|>"
  let afterTurnEnd = "\n"
  /// The system message of conversations that start without one.
  var defaultSystem: String?

  static let qwen = ChatML(
    name: "qwen2.5",
    defaultSystem: "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.")

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    if isStart, let defaultSystem, messages.first?.role != .system {
      writeTurn(.system, defaultSystem, to: &prompt)
    }
    for message in messages { writeTurn(message.role, message.content, to: &prompt) }
  }

  func writeTurn(_ role: ChatMessage.Role, _ content: String, to prompt: inout ChatPrompt) {
    prompt.special("<|im_start|>")
    prompt.text(role.rawValue + "\n" + content)
    writeTurnEnd(to: &prompt)
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {
    prompt.special("<|im_start|>")
    prompt.text("assistant\n")
  }
}

extension ChatML {
  static func recognise(_ source: TemplateSource) -> (any ChatFormat)? {
    guard source.contains("<|im_start|>"), !foreign.contains(where: source.contains) else {
      return nil
    }
    if source.contains("split('</think>')") {
      return Qwen3(
        opensThought: source.containsAny("assistant\\n<think>\\n", "'<think>\\n' }}"),
        canSkipThought: source.contains("enable_thinking"))
    }
    let system = source.literal(after: "<|im_start|>system\\n", before: "<|im_end|>")
    return system == qwen.defaultSystem ? qwen : ChatML(defaultSystem: system)
  }

  /// Marks of templates that use ChatML's tokens to another grammar.
  private static let foreign = [
    "<|im_sep|>",  // Phi-4
    "<end_of_utterance>",  // SmolVLM
    "## Metadata",  // SmolLM3
    "render_content",  // Qwen3.5
    "<|function_list|>",  // Bielik
    "truncate_history_thinking",  // Nemotron 3
    "json_to_python_type",  // Hermes with tools
  ]
}
