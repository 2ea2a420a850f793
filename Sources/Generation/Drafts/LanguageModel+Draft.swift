internal import Model

extension LanguageModel {
  /// Loads a second model that is to guess for the one at `path`: its tokens must be the same.
  static func draft(
    at draftPath: String, for path: String, _ tokenizer: Tokenizer, compute: Compute
  ) throws -> LanguageModel {
    let file = try GGUFFile(path: draftPath)
    let other: Tokenizer
    do {
      other = try Tokenizer(metadata: file.metadata)
    } catch {
      throw EngineError(.model, "\(draftPath): \(error)")
    }
    if let token = tokenizer.firstDifference(from: other) {
      throw EngineError(
        .options,
        "\(draftPath) cannot draft for \(path): token \(token) is \(other.spelling(of: token)) there and "
          + "\(tokenizer.spelling(of: token)) here; take a draft model with the same vocabulary, mostly one of the same family."
      )
    }
    let model = try LanguageModel(file: file, compute: compute)
    guard tokenizer.vocabularySize <= model.shape.vocabularySize else {
      throw EngineError(
        .model,
        "\(draftPath): the tokenizer has \(tokenizer.vocabularySize) tokens but the embedding only "
          + "\(model.shape.vocabularySize) rows; the file mixes two models.")
    }
    return model
  }
}

extension Tokenizer {
  /// A token's bytes for a message: as text where they are some.
  fileprivate func spelling(of token: TokenID) -> String {
    guard Int(token) < vocabularySize else { return "missing" }
    let bytes = rawText(of: token)
    guard let text = String(validating: bytes, as: UTF8.self) else { return "the bytes \(bytes)" }
    return "'\(text)'"
  }
}
