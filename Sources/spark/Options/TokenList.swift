import ArgumentParser
import Generation

/// Token ids separated by commas or spaces.
struct TokenList: ExpressibleByArgument, Sendable {
  var tokens: [TokenID]

  init?(argument: String) {
    let words = argument.split { $0 == "," || $0.isWhitespace }
    let tokens = words.compactMap { TokenID($0) }
    guard tokens.count == words.count else { return nil }
    self.tokens = tokens
  }
}
