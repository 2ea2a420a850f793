/// How a model was trained to see a conversation.
///
/// A GGUF file brings its template as a Jinja program. It is not run: its family is recognised by
/// characteristic markers, and each family is written here. What no family fits is reported as
/// unknown, so that the caller can say so, and use one by name where the user asks for it.
///
/// System, user and assistant turns are supported; tools and images are not.
public struct ChatTemplate: Sendable {
  private let format: any ChatFormat

  /// Whether the published template begins with the token that begins a sequence.
  ///
  /// Rendering never writes that token. Put it before the rendered prompt once, if this or the
  /// tokenizer's own setting asks for it, unless the prompt's first token is the same one
  /// (SmolLM 2 begins its sequences with `<|im_start|>`).
  public let beginsWithBOS: Bool

  /// The family, as in ``names``.
  public var name: String { format.name }

  /// Special tokens, beside the model's end of sequence, that end its turn: generation stops there.
  /// Where the vocabulary lacks one, its spelling is a stop string.
  public var turnEnds: [String] { [format.turnEnd] }

  /// The prompt of a conversation from its start.
  ///
  /// - Parameters:
  ///   - messages: The conversation.
  ///   - addGenerationPrompt: Whether to end with the beginning of the assistant's turn.
  ///   - thinking: Whether a model that can be told not to think may do so.
  public func render(
    _ messages: [ChatMessage], addGenerationPrompt: Bool = true, thinking: Bool = true
  ) -> [ChatSegment] {
    var prompt = ChatPrompt()
    format.write(messages, isStart: true, to: &prompt)
    if addGenerationPrompt { format.writeGenerationPrompt(thinking: thinking, to: &prompt) }
    return prompt.segments
  }

  /// What follows a reply in a conversation that goes on, so that nothing is read twice.
  ///
  /// The context holds a rendered prompt and the reply up to and including the token that ended its
  /// turn (one of ``turnEnds``; add it if the reply was cut short). Unlike rendering from the
  /// start, this leaves thoughts of earlier replies in place.
  public func renderContinuation(
    _ messages: [ChatMessage], addGenerationPrompt: Bool = true, thinking: Bool = true
  ) -> [ChatSegment] {
    var prompt = ChatPrompt()
    prompt.text(format.afterTurnEnd)
    format.write(messages, isStart: false, to: &prompt)
    if addGenerationPrompt { format.writeGenerationPrompt(thinking: thinking, to: &prompt) }
    return prompt.segments
  }

  /// The prompt as one string, for people: see ``ChatSegment``.
  public func renderedText(
    _ messages: [ChatMessage], addGenerationPrompt: Bool = true, thinking: Bool = true
  ) -> String {
    render(messages, addGenerationPrompt: addGenerationPrompt, thinking: thinking).renderedText
  }
}

// MARK: - Finding one

extension ChatTemplate {
  /// `<|im_start|>role\ncontent<|im_end|>`: the embedded model's, and a fair guess for others.
  public static let chatML = ChatTemplate(format: ChatML(), beginsWithBOS: false)

  /// Recognises the family of a Jinja template; `nil` if it has none or no family fits.
  ///
  /// - Parameters:
  ///   - jinja: `tokenizer.chat_template` of a GGUF file.
  ///   - beginOfSequence: The spelling of the model's token, for templates that name it by variable.
  ///   - endOfSequence: Likewise.
  public static func recognise(
    _ jinja: String?, beginOfSequence: String = "<s>", endOfSequence: String = "</s>"
  ) -> ChatTemplate? {
    guard let jinja else { return nil }
    let source = TemplateSource(jinja)
    // From the most to the least characteristic markers.
    let format =
      DeepSeek.recognise(source, endOfSequence: endOfSequence)
      ?? ChatML.recognise(source)
      ?? Llama2.recognise(
        source, beginOfSequence: beginOfSequence, endOfSequence: endOfSequence)
      ?? Mistral.recognise(source, endOfSequence: endOfSequence)
      ?? Phi3.recognise(source)
      ?? Zephyr.recognise(source, endOfSequence: endOfSequence)
      ?? Gemma.recognise(source)
      ?? Llama3.recognise(source)
    guard let format else { return nil }
    return ChatTemplate(
      format: format,
      beginsWithBOS: source.containsAny(
        "bos_token", "<s>", "<bos>", "<|begin_of_text|>", "<｜begin▁of▁sentence｜>"))
  }

  /// The families, by the names that ``named(_:)`` knows.
  public static var names: [String] { known.map(\.name) }

  /// The template of this name; `nil` if there is none.
  public static func named(_ name: String) -> ChatTemplate? {
    known.first { $0.name == name }
  }

  private static let known: [ChatTemplate] = [
    chatML,
    ChatTemplate(format: ChatML.qwen, beginsWithBOS: false),
    ChatTemplate(
      format: Qwen3(opensThought: false, canSkipThought: true), beginsWithBOS: false),
    ChatTemplate(
      format: Qwen3(opensThought: true, canSkipThought: false), beginsWithBOS: false),
    ChatTemplate(format: Llama2(), beginsWithBOS: true),
    ChatTemplate(format: Llama3.v3, beginsWithBOS: true),
    ChatTemplate(format: Llama3.v3dot1, beginsWithBOS: true),
    ChatTemplate(format: Mistral.v0, beginsWithBOS: true),
    ChatTemplate(format: Mistral.v1, beginsWithBOS: true),
    ChatTemplate(format: Mistral.v3, beginsWithBOS: true),
    ChatTemplate(format: Mistral.v3Tekken, beginsWithBOS: true),
    ChatTemplate(format: Mistral.v7, beginsWithBOS: true),
    ChatTemplate(format: Mistral.v7Tekken, beginsWithBOS: true),
    ChatTemplate(format: Gemma(), beginsWithBOS: true),
    ChatTemplate(format: Phi3.phi3, beginsWithBOS: false),
    ChatTemplate(format: Phi3.phi4Mini, beginsWithBOS: false),
    ChatTemplate(format: Zephyr(), beginsWithBOS: false),
    ChatTemplate(format: DeepSeek2(), beginsWithBOS: true),
    ChatTemplate(format: DeepSeek.v3, beginsWithBOS: true),
    ChatTemplate(format: DeepSeek.r1, beginsWithBOS: true),
  ]
}
