import ArgumentParser

/// Values separated by commas, each spelled as it would be alone.
struct WordList<Value: ExpressibleByArgument & Sendable>: ExpressibleByArgument, Sendable {
  var values: [Value]

  init(_ values: [Value]) { self.values = values }

  init?(argument: String) {
    let words = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = words.compactMap { Value(argument: String($0)) }
    guard values.count == words.count else { return nil }
  }

  var defaultValueDescription: String {
    values.map(\.defaultValueDescription).joined(separator: ",")
  }
}
