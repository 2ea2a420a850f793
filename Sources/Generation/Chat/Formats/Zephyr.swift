/// Zephyr: `<|user|>\ncontent</s>\n`; TinyLlama and StableLM Zephyr too, each with its own token at
/// the end of a turn.
///
/// Sources: the templates published with HuggingFaceH4/zephyr-7b-beta,
/// TinyLlama/TinyLlama-1.1B-Chat-v1.0, stabilityai/stablelm-2-zephyr-1_6b.
struct Zephyr: ChatFormat {
  let name = "zephyr"
  var turnEnd = "</s>"
  let afterTurnEnd = "\n"

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    for message in messages {
      prompt.special("<|\(message.role.rawValue)|>")
      prompt.text("\n" + message.content)
      writeTurnEnd(to: &prompt)
    }
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {
    prompt.special("<|assistant|>")
    prompt.text("\n")
  }
}

extension Zephyr {
  static func recognise(_ source: TemplateSource, endOfSequence: String) -> (any ChatFormat)? {
    guard source.contains("<|assistant|>") else { return nil }
    // Other families use these markers, but end only the model's turns.
    let userTurn = "<|user|>\\n' + message['content'] + "
    if source.contains(userTurn + "eos_token") { return Zephyr(turnEnd: endOfSequence) }
    if source.contains(userTurn + "'<|endoftext|>") { return Zephyr(turnEnd: "<|endoftext|>") }
    return nil
  }
}
