/// The policies that a store can be told to use, by the names that options give them.
package enum PolicyKind: String, Sendable, CaseIterable {
  case lru
  case wTinyLFU = "w-tinylfu"
  case gdsf
  case s3FIFO = "s3-fifo"
}
