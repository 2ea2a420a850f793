package import Model

/// Which model a block was computed with: a digest of the file's tensors, their names, shapes and
/// types, and the first and last bytes of each.
///
/// Reading all of a large file would cost more than loading it; two models with the same shapes
/// that agree in both ends of every tensor are the same model.
package struct ModelDigest: Sendable, Hashable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Bytes read at each end of a tensor.
  private static let sample = 256

  package init(_ model: LanguageModel) {
    var hash = SHA256()
    for tensor in model.file.tensors.sorted(by: { $0.name < $1.name }) {
      hash.update(text: tensor.name)
      hash.update(text: tensor.type.name)
      for extent in tensor.shape { hash.update(UInt64(extent)) }
      unsafe model.file.withUnsafeBytes(of: tensor) { bytes in
        unsafe hash.update(bytes.prefix(Self.sample))
        unsafe hash.update(bytes.suffix(Self.sample))
      }
    }
    hash.update(text: "\(model.shape)")
    let words = hash.finish()
    high = UInt64(words[0]) << 32 | UInt64(words[1])
    low = UInt64(words[2]) << 32 | UInt64(words[3])
  }
}
