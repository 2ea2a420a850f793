/// A frame that cannot be written or read, and why.
package struct CodecError: Error, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
