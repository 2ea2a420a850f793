/// Gemma 1 to 3: `<start_of_turn>user\ncontent<end_of_turn>\n`, with the model as "model" and no
/// system turn: a system message goes in front of the user's.
///
/// Sources: the templates published with google/gemma-2-2b-it and google/gemma-3-1b-it.
struct Gemma: ChatFormat {
  let name = "gemma"
  let turnEnd = "<end_of_turn>"
  let afterTurnEnd = "\n"

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    let turns = messages.foldingSystem { system, user in
      (system.map { $0 + "\n\n" } ?? "") + user.trimmed
    }
    for message in turns {
      prompt.special("<start_of_turn>")
      if message.role == .assistant {
        prompt.text("model\n" + message.content.trimmed)
      } else {
        prompt.text("user\n" + message.content)
      }
      writeTurnEnd(to: &prompt)
    }
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {
    prompt.special("<start_of_turn>")
    prompt.text("model\n")
  }
}

extension Gemma {
  static func recognise(_ source: TemplateSource) -> (any ChatFormat)? {
    source.contains("<start_of_turn>") ? Gemma() : nil
  }
}
