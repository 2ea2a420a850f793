/// Llama 3: `<|start_header_id|>role<|end_header_id|>\n\ncontent<|eot_id|>`.
///
/// From 3.1 on every conversation starts with a system turn that states two dates. Templates that
/// ask for today's get the one that they name where there is no clock: a date that changes would
/// make every stored prefix worthless overnight. Say today's in the system message if it matters.
/// Sources: the templates published with meta-llama/Meta-Llama-3-8B-Instruct,
/// Llama-3.1-8B-Instruct, Llama-3.2-3B-Instruct.
struct Llama3: ChatFormat {
  let name: String
  let turnEnd = "<|eot_id|>"
  let afterTurnEnd = ""
  let statesDates: Bool

  static let v3 = Llama3(name: "llama3", statesDates: false)
  static let v3dot1 = Llama3(name: "llama3.1", statesDates: true)

  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt) {
    var turns = messages[...]
    if statesDates && isStart {
      let system = turns.first?.role == .system ? turns.removeFirst().content.trimmed : ""
      let dates = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
      writeTurn(.system, dates + system, to: &prompt)
    }
    for message in turns { writeTurn(message.role, message.content.trimmed, to: &prompt) }
  }

  private func writeTurn(
    _ role: ChatMessage.Role, _ content: String, to prompt: inout ChatPrompt
  ) {
    writeHeader(role, to: &prompt)
    prompt.text(content)
    writeTurnEnd(to: &prompt)
  }

  private func writeHeader(_ role: ChatMessage.Role, to prompt: inout ChatPrompt) {
    prompt.special("<|start_header_id|>")
    prompt.text(role.rawValue)
    prompt.special("<|end_header_id|>")
    prompt.text("\n\n")
  }

  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt) {
    writeHeader(.assistant, to: &prompt)
  }
}

extension Llama3 {
  static func recognise(_ source: TemplateSource) -> (any ChatFormat)? {
    // Models made for calling functions state them in the system turn, in ways of their own.
    guard source.contains("<|start_header_id|>"), source.contains("<|end_header_id|>"),
      !source.containsAny("recipient", "<function=", "functools")
    else { return nil }
    return source.contains("Today Date: ") ? v3dot1 : v3
  }
}
