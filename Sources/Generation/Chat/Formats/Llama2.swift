/// Llama 2 chat: `[INST] <<SYS>>\nsystem\n<</SYS>>\n\nuser [/INST] reply </s>`, every turn of the
/// user's after a token that begins a sequence.
///
/// Its markers are ordinary text: a message that holds them does forge a turn.
/// Source: the template published with meta-llama/Llama-2-7b-chat-hf.
struct Llama2: ChatFormat {
  let name = "llama2"
  var turnEnd = "</s>"
  let afterTurnEnd = ""
  /// The token that begins a sequence, if it stands before every turn of the user's.
  var turnStart: String? = "<s>"
  /// Whether white space around messages is dropped.
  var trims = true

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    let turns = messages.foldingSystem { system, user in
      (system.map { "<<SYS>>\n\($0)\n<</SYS>>\n\n" } ?? "") + user
    }
    for (index, message) in turns.enumerated() {
      let content = trims ? message.content.trimmed : message.content
      if message.role == .assistant {
        prompt.text(" " + content + " ")
        writeTurnEnd(to: &prompt)
      } else {
        if let turnStart, index > 0 || !isStart { prompt.special(turnStart) }
        prompt.special("[INST]")
        prompt.text(" " + content + " ")
        prompt.special("[/INST]")
      }
    }
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {}
}

extension Llama2 {
  static func recognise(
    _ source: TemplateSource, beginOfSequence: String, endOfSequence: String
  ) -> (any ChatFormat)? {
    guard source.contains("[INST]"), source.contains("<<SYS>>") else { return nil }
    let repeatsStart = source.containsAny(
      "bos_token + '[INST]", "bos_token + \"[INST]", "'<s>' + '[INST]", "<s>[INST]")
    return Llama2(
      turnEnd: endOfSequence, turnStart: repeatsStart ? beginOfSequence : nil,
      trims: source.containsAny("strip()", "| trim", "|trim"))
  }
}
