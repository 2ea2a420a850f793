/// Spellings that end a text or a turn in some model. Files name at most three such tokens, and
/// often the wrong ones: a chat model converted from a base model may name `<|endoftext|>` alone,
/// and then its replies never end.
enum EndMarkers {
  /// Spellings that are nothing else in any model. Tokens so spelled count as control tokens even
  /// where the file calls them ordinary, which is a known mistake of converters. Those that end a
  /// turn come first, in the order in which they are looked for.
  private static let unmistakable = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>",
    "<｜end▁of▁sentence｜>", "<end_of_utterance>", "<|eom_id|>",
  ]

  /// Spellings that text may contain too: they count where the file calls them control tokens.
  private static let ambiguous = [
    "</s>", "<eos>", "<EOT>", "_<EOT>", "[EOS]", "[EOT]", "<|fim_pad|>", "<|repo_name|>",
    "<|file_sep|>",
  ]

  /// Makes control tokens of those that cannot be anything else.
  static func correctKinds(in vocabulary: inout Vocabulary) {
    for marker in unmistakable {
      if let token = vocabulary.token(spelled: Array(marker.utf8)) {
        vocabulary.kinds[Int(token)] = .control
      }
    }
  }

  /// All control tokens that are end markers.
  static func controlTokens(in vocabulary: Vocabulary) -> [TokenID] {
    (unmistakable + ambiguous).compactMap { marker in
      vocabulary.token(spelled: Array(marker.utf8))
    }.filter { vocabulary.kinds[Int($0)] == .control }
  }

  /// The token that ends a turn, where the file does not name it.
  static func endOfTurn(in vocabulary: Vocabulary) -> TokenID? {
    unmistakable.lazy.filter { $0 != "<|eom_id|>" }
      .compactMap { vocabulary.token(spelled: Array($0.utf8)) }.first
  }
}
