/// The policies that a store can be told to use, by the names that options give them.
package enum PolicyKind: String, Sendable, CaseIterable {
  case lru
  case wTinyLFU = "w-tinylfu"
  case gdsf
  case s3FIFO = "s3-fifo"

  /// A policy of this kind for `budget` bytes.
  package func makePolicy<Key: CacheKey>(budget: Int) -> any EvictionPolicy<Key> {
    switch self {
    case .lru: LRU(budget: budget)
    case .wTinyLFU: WTinyLFU(budget: budget)
    case .gdsf: GDSF(budget: budget)
    case .s3FIFO: S3FIFO(budget: budget)
    }
  }
}
