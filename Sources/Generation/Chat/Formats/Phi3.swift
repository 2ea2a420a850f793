/// Phi 3 and 3.5: `<|user|>\ncontent<|end|>\n`; Phi 4 mini the same without line feeds.
///
/// Sources: the templates published with microsoft/Phi-3-mini-4k-instruct,
/// Phi-3.5-mini-instruct, Phi-4-mini-instruct.
struct Phi3: ChatFormat {
  let name: String
  let turnEnd = "<|end|>"
  /// A line feed after each marker, or nothing.
  let afterTurnEnd: String

  static let phi3 = Phi3(name: "phi3", afterTurnEnd: "\n")
  static let phi4Mini = Phi3(name: "phi4-mini", afterTurnEnd: "")

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    for message in messages {
      writeStart(message.role, to: &prompt)
      prompt.text(message.content)
      writeTurnEnd(to: &prompt)
    }
  }

  private func writeStart(_ role: ChatMessage.Role, to prompt: inout ChatPrompt) {
    prompt.special("<|\(role.rawValue)|>")
    prompt.text(afterTurnEnd)
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {
    writeStart(.assistant, to: &prompt)
  }
}

extension Phi3 {
  static func recognise(_ source: TemplateSource) -> (any ChatFormat)? {
    guard source.contains("<|assistant|>"), source.contains("<|end|>"),
      !source.contains("[BEGIN FINAL RESPONSE]")  // Apriel
    else { return nil }
    return source.contains("'|>' + message['content'] + '<|end|>'") ? phi4Mini : phi3
  }
}
