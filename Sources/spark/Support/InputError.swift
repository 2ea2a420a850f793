/// What a command was given cannot be used.
struct InputError: Error, CustomStringConvertible {
  /// One sentence: what, where, what to do.
  let description: String

  init(_ description: String) { self.description = description }
}
