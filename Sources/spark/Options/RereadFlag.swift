import ArgumentParser

/// Whether a session may go on with what it was not held with.
struct RereadFlag: ParsableArguments {
  @Flag(
    help:
      "Go on also with another model or template than the session was held with: all is read again from its text."
  )
  var reread = false
}
