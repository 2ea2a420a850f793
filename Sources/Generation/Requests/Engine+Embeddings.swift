internal import Model

/// Which of a text's hidden states stand for it.
public enum EmbeddingPooling: String, Sendable, CaseIterable {
  /// The mean of all.
  case mean
  /// The last one, which has seen all others.
  case last
}

extension Engine {
  /// A vector for each text: the model's last hidden states behind its output norm, pooled, and of length 1, so
  /// that the product of two is their cosine. [texts][width]
  ///
  /// A model that was trained to write is not one that was trained to compare; its vectors tell what texts
  /// are about, roughly.
  public func embeddings(
    of texts: [String], pooling: EmbeddingPooling = .mean
  ) async throws(EngineError) -> [[Float]] {
    var vectors: [[Float]] = []
    for text in texts {
      var tokens = tokenizer.encode(text)
      if tokens.isEmpty, let start = tokenizer.bos ?? tokenizer.eos { tokens = [start] }
      do {
        vectors.append(try await core.embedding(of: tokens, pooling: pooling))
      } catch let error as EngineError {
        throw error
      } catch {
        throw EngineError(.prompt, "the embeddings were cancelled before all texts were read.")
      }
    }
    return vectors
  }
}
