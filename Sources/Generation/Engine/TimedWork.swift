/// What a bench times.
package enum TimedWork: Sendable, Hashable {
  /// So many tokens read as a prompt.
  case prefill(tokens: Int)
  /// So many tokens decoded one after another, without sampling.
  case decode(tokens: Int)
  /// Passes that score so many tokens each, and take them back: what checking a draft costs.
  case verify(rows: Int, passes: Int)

  /// Tokens that stand behind the text at most.
  package var length: Int {
    switch self {
    case .prefill(let tokens), .decode(let tokens): tokens
    case .verify(let rows, _): rows
    }
  }
}

/// What a work took.
package struct WorkTimes: Sendable {
  package var duration: Duration
  /// Of a prompt: until its successor was drawn.
  package var firstToken: Duration?
}
