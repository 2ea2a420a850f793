/// A block that the store knows, and what each tier spends on it.
package struct BlockFootprint: Sendable {
  package let identity: BlockIdentity
  package let attributes: BlockAttributes
  /// Whether its shape is another one than the store's: it is kept, and not read.
  package let isForeign: Bool
  /// Bytes of its frames in memory as attention reads them, in memory encoded, and of its record on
  /// disk. Copies in several tiers count in each.
  package let exactBytes: Int
  package let packedBytes: Int
  package let diskBytes: Int
}

extension TieredStore {
  /// Every block that the store knows, of other shapes too, in no order.
  package func footprints() -> [BlockFootprint] { withState { $0.footprints() } }
}

extension StoreState {
  func footprints() -> [BlockFootprint] {
    index.values.map { block in
      var (exact, encoded) = (0, 0)
      for frame in frameRange(block) {
        if frames[frame].slot >= 0 { exact += frameBytes }
        if frames[frame].packed >= 0 {
          encoded += packed[Int(frames[frame].packed)]?.bytes.byteCount ?? 0
        }
      }
      return BlockFootprint(
        identity: blocks[block].identity, attributes: blocks[block].attributes,
        isForeign: blocks[block].isForeign, exactBytes: exact, packedBytes: encoded,
        diskBytes: blocks[block].place?.byteCount ?? 0)
    }
  }
}
