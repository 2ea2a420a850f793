/// How the numbers of one frame lie: one layer's keys [heads][dimension][tokens] and then values
/// [heads][tokens][valueStride], little-endian floats. Values beyond `dimension` in a row are padding.
package struct FrameShape: Hashable, Sendable {
  package let heads: Int
  package let dimension: Int
  package let tokens: Int
  package let valueStride: Int
  /// Bytes of a number: 2 for f16, 4 for f32.
  package let elementBytes: Int

  package init(heads: Int, dimension: Int, tokens: Int, valueStride: Int, elementBytes: Int) {
    self.heads = heads
    self.dimension = dimension
    self.tokens = tokens
    self.valueStride = valueStride
    self.elementBytes = elementBytes
  }

  package var keyCount: Int { heads * dimension * tokens }
  package var valueCount: Int { heads * tokens * valueStride }
  package var byteCount: Int { (keyCount + valueCount) * elementBytes }
}
