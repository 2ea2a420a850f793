/// What a model file's `tokenizer.ggml.pre` stands for.
struct NamedPreTokenizer: Sendable {
  /// The names that models use for it.
  let names: [String]
  let expressions: [PreTokenizer.Expression]
  /// Whether a piece that is itself a token is taken whole, whatever the merges say.
  var ignoresMerges = false
  /// Whether text begins with the BOS token where the file does not say.
  var addsBOS = false

  /// The pre-tokenizer called `name`.
  static func named(_ name: String) throws(TokenizerError) -> NamedPreTokenizer {
    guard let found = all.first(where: { $0.names.contains(name) }) else {
      let names = all.flatMap(\.names).sorted().joined(separator: ", ")
      throw TokenizerError(
        "the file's pre-tokenizer (tokenizer.ggml.pre) is '\(name)', which is not supported; "
          + "supported are \(names).")
    }
    return found
  }

  /// Every one that is known. The expressions are those of the models' own `tokenizer.json`; the
  /// names are those that llama.cpp's converter gives them.
  static let all: [NamedPreTokenizer] = [
    .init(
      names: ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "lfm2", "pixtral"],
      expressions: [.words(digits: 3)], ignoresMerges: true, addsBOS: true),
    .init(
      names: ["smaug-bpe", "dbrx", "glm4", "chatglm-bpe"], expressions: [.words(digits: 3)]),
    .init(
      names: [
        "qwen2", "deepseek-r1-qwen", "stablelm2", "megrez", "hunyuan", "solar-open", "grok-2",
        "bailingmoe", "llada-moe",
      ],
      expressions: [.words(digits: 1)]),
    .init(names: ["qwen35"], expressions: [.words(digits: 1, of: .letters + .marks)]),
    .init(
      names: [
        "gpt-2", "phi-2", "olmo", "mpt", "jais", "trillion", "gigachat", "exaone4", "mellum",
        "a.x-4.0", "granite-docling", "modern-bert",
      ],
      expressions: [.gpt2]),
    .init(
      names: [
        "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b",
      ],
      expressions: [.anyOf([.run(.numbers, count: 1...1)]), .gpt2]),
    .init(
      names: ["default"],
      expressions: [
        .anyOf([.run(.punctuation + ScalarSet(.asciiSymbol))]), .gpt2, .anyOf([.run(.numbers)]),
        .anyOf([.run(.asciiDigits, count: 3...3)]),
      ]),
    .init(
      names: ["falcon"],
      expressions: [
        .anyOf([.run(.punctuation + .asciiSymbols)]), .gpt2,
        .anyOf([.run(.asciiDigits, count: 3...3)]),
      ]),
    .init(
      names: ["deepseek-coder"],
      expressions: [
        .anyOf([.run(.newlines, count: 1...1)]),
        .anyOf([.run(.letters, after: .optional(.whitespace))]),
        .anyOf([.run(.punctuation, after: .optional(.whitespace))]),
        .anyOf([.run(.deepSeekIdeographs)]),
        .anyOf([.run(.numbers, count: 1...1)]),
      ]),
    .init(
      names: ["deepseek-llm"],
      expressions: [
        .anyOf([.run(.newlines, count: 1...1)]),
        .anyOf([.run(.deepSeekLetters, after: .optional(.whitespace))]),
        .anyOf([.run(.deepSeekMarks, after: .optional(.whitespace))]),
        .trailingWhitespace,
        .anyOf([.run(.deepSeekIdeographs)]),
        .anyOf([.run(.numbers)]),
      ]),
    .init(
      names: ["deepseek-v3", "hunyuan-dense", "joyai-llm"],
      expressions: [
        .anyOf([.run(.numbers, count: 1...3)]),
        .anyOf([.run(.deepSeekV3Ideographs)]),
        .anyOf([
          .run(.asciiLetters, after: .required(.asciiMarks)),
          .run(
            .letters + .marks,
            after: .optional((.letters + .punctuation + .symbols + .newlines).inverted)),
          .run(.punctuation + .symbols, after: .optional(.space), then: .newlines),
          .lineBreaks, .whitespaceBeforeWord, .whitespace,
        ]),
      ]),
    .init(
      names: ["tekken"], expressions: [.casedWords(digits: 1, contractions: false)],
      ignoresMerges: true, addsBOS: true),
    .init(
      names: ["gpt-4o", "llama4", "kanana2"],
      expressions: [.casedWords(digits: 3, contractions: true)]),
  ]
}

extension PreTokenizer.Expression {
  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  fileprivate static let gpt2: Self = .anyOf([
    .contraction(ignoringCase: false),
    .run(.letters, after: .optional(.space)),
    .run(.numbers, after: .optional(.space)),
    .run((.whitespace + .letters + .numbers).inverted, after: .optional(.space)),
    .whitespaceBeforeWord, .whitespace,
  ])

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|
  /// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`, perhaps with other letters than `\p{L}`.
  fileprivate static func words(digits: Int, of letters: ScalarSet = .letters) -> Self {
    .anyOf([
      .contraction(ignoringCase: true),
      .run(letters, after: .optional((.letters + .numbers + .newlines).inverted)),
      .run(.numbers, count: 1...digits),
      .run(
        (.whitespace + letters + .numbers).inverted, after: .optional(.space), then: .newlines),
      .lineBreaks, .whitespaceBeforeWord, .whitespace,
    ])
  }

  /// Words are also cut where a capital follows; otherwise as `words`.
  fileprivate static func casedWords(digits: Int, contractions: Bool) -> Self {
    .anyOf([
      .casedWord(contraction: contractions),
      .run(.numbers, count: 1...digits),
      .run(
        (.whitespace + .letters + .numbers).inverted, after: .optional(.space),
        then: .newlinesAndSlash),
      .lineBreaks, .whitespaceBeforeWord, .whitespace,
    ])
  }
}
