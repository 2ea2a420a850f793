/// What was asked of the machine's files cannot be had.
package struct HardwareError: Error, Equatable, CustomStringConvertible {
  /// One sentence: what, where, what to do.
  package let message: String

  package init(_ message: String) { self.message = message }

  package var description: String { message }
}
