import Generation
import Testing

/// The turns of published templates, reduced to what tells one from another.
private let sources: [(name: String, jinja: String)] = [
  (
    "chatml",  // the embedded model's, whole
    #"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"#
  ),
  (
    "qwen2.5",
    #"{{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}{%- else %}{{- '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' }}"#
  ),
  (
    "qwen3",
    #"{%- set content = message.content.split('</think>')[-1].lstrip('\n') %}{{- '<|im_start|>assistant\n' }}{%- if enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}"#
  ),
  (
    "qwen3-thinking",
    #"{%- set content = message.content.split('</think>')[-1] %}{{- '<|im_start|>assistant\n<think>\n' }}"#
  ),
  (
    "llama2",
    #"{% set content = '<<SYS>>\n' + system_message %}{{ bos_token + '[INST] ' + content.strip() }}"#
  ),
  ("llama3", #"{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"#),
  (
    "llama3.1",
    #"{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}{{- "Today Date: " + date_string }}"#
  ),
  (
    "mistral",
    #"{{ '[INST] ' + message['content'] + ' [/INST]' }}{{ message['content'] + eos_token }}"#
  ),
  ("mistral-v1", #"{{- ' [INST] ' + message['content'] + ' [/INST]' }}"#),
  ("mistral-v3", #"{{- "[INST] " + message["content"] + "[/INST]" }}"#),
  ("mistral-v3-tekken", #"{{- "[INST]" + message["content"] + "[/INST]" }}"#),
  ("mistral-v7", #"{{ '[INST] ' + message['content'] + '[/INST]' }}{{ '[SYSTEM_PROMPT] ' }}"#),
  ("mistral-v7-tekken", #"{{- '[SYSTEM_PROMPT]' + system_prompt }}{{- '[INST]' }}"#),
  ("gemma", "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim }}"),
  ("phi3", "{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{{ '<|assistant|>\n' }}"),
  (
    "phi4-mini",
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{{ '<|assistant|>' }}"
  ),
  (
    "zephyr",
    #"{{ '<|user|>\n' + message['content'] + eos_token }}{{ '<|assistant|>\n' + message['content'] }}"#
  ),
  ("deepseek2", "{{ 'Assistant: ' + message['content'] + eos_token }}"),
  ("deepseek3", "{{'<｜User｜>' + message['content'] + '<｜Assistant｜>'}}"),
  (
    "deepseek-r1",
    #"{{'<｜User｜>' + message['content']}}{{content.split('</think>')[-1]}}{{'<｜Assistant｜><think>\n'}}"#
  ),
]

@Suite struct RecognitionTests {
  @Test(arguments: sources)
  func `a template is recognised by its markers`(name: String, jinja: String) {
    #expect(ChatTemplate.recognise(jinja)?.name == name)
  }

  @Test func `every named template can be recognised`() {
    #expect(Set(sources.map(\.name)) == Set(ChatTemplate.names))
  }

  @Test(arguments: [
    nil, "", "{{ messages }}",
    "{{'<|im_start|>user<|im_sep|>' + message['content']}}",  // Phi-4
    "{{ '<|START_OF_TURN_TOKEN|><|USER_TOKEN|>' }}",  // Command R
    "{{ 'GPT4 Correct ' + message['role'].title() }}",  // OpenChat
    #"{{ '<|user|>\n' + message['content'] + '\n' }}{{ '<|assistant|>\n' }}"#,  // Falcon 3
    "{{ '<|start_of_role|>' }}",  // Granite
    "{%- if not thinking is defined -%}{{'<｜User｜>' + message['content']}}{{'<｜Assistant｜>'}}",
  ])
  func `what no family fits is unknown`(jinja: String?) {
    #expect(ChatTemplate.recognise(jinja) == nil)
  }

  @Test func `a template's own system message is taken from it`() throws {
    let smolLM = try #require(
      ChatTemplate.recognise(
        #"{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"#
      ))
    #expect(
      smolLM.renderedText([.user("Hello")], addGenerationPrompt: false)
        == "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        + "<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n")
    let quoting = try #require(
      ChatTemplate.recognise(#"{{ '<|im_start|>system\nSay "I\'m in".\n<|im_end|>\n' }}"#))
    #expect(
      quoting.renderedText([], addGenerationPrompt: false)
        == "<|im_start|>system\nSay \"I'm in\".\n<|im_end|>\n")
  }

  @Test func `the model's own end token ends a turn where the template names it so`() throws {
    let source = #"{{ '<|user|>\n' + message['content'] + eos_token }}{{ '<|assistant|>' }}"#
    let template = try #require(
      ChatTemplate.recognise(source, beginOfSequence: "<b>", endOfSequence: "<|endoftext|>"))
    #expect(template.turnEnds == ["<|endoftext|>"])
    #expect(
      template.renderedText([.user("Hello")])
        == "<|user|>\nHello<|endoftext|>\n<|assistant|>\n")
    let llama = try #require(
      ChatTemplate.recognise(
        "{{ bos_token + '[INST] ' + '<<SYS>>' }}", beginOfSequence: "<b>", endOfSequence: "<e>"))
    #expect(
      llama.renderedText([.user("a"), .assistant("b"), .user("c")])
        == "[INST] a [/INST] b <e><b>[INST] c [/INST]")
  }

  @Test func `the token that begins a sequence is asked for, never written`() throws {
    let with = try #require(ChatTemplate.recognise("{{ bos_token }}{{ '<start_of_turn>' }}"))
    let without = try #require(ChatTemplate.recognise("{{ '<start_of_turn>' }}"))
    #expect(with.beginsWithBOS && !without.beginsWithBOS)
    #expect(with.render([.user("a")]) == without.render([.user("a")]))
    // Its own begin token is also what starts its turns: asking for it would double it.
    let smolLM = try #require(
      ChatTemplate.recognise("{{ '<|im_start|>' }}", beginOfSequence: "<|im_start|>"))
    #expect(!smolLM.beginsWithBOS)
    for name in ChatTemplate.names {
      let text = try #require(ChatTemplate.named(name)).renderedText([.user("a")])
      #expect(!text.hasPrefix("<s>") && !text.contains("begin"))
    }
  }
}
