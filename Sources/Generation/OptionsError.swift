/// An option whose value is outside what it may be.
public struct OptionsError: Error, Equatable, CustomStringConvertible {
  /// The option, by its name in Swift: `topP`.
  public let option: String
  /// The value it was given, as text.
  public let value: String
  /// What it may be, as the end of the sentence "it must be …".
  public let allowed: String

  public init(option: String, value: String, allowed: String) {
    self.option = option
    self.value = value
    self.allowed = allowed
  }

  /// One sentence: `topP is 1.5; it must be between 0 and 1.`
  public var description: String { "\(option) is \(value); it must be \(allowed)." }
}

/// Throws unless `holds`; the message is put together only when it is needed.
func require(
  _ holds: Bool, _ option: String, _ value: @autoclosure () -> String, _ allowed: String
) throws(OptionsError) {
  if !holds { throw OptionsError(option: option, value: value(), allowed: allowed) }
}
