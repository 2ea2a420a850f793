import ArgumentParser

/// What follows `--early-exit`, which may stand without a value in front of something else.
///
/// ArgumentParser takes a value that it cannot read for one that was left out. So what looks like a number
/// and is none is read as what it is, and refused later; ``check(_:)`` sees to values behind an equals sign.
struct EarlyExitThreshold: ExpressibleByArgument, Sendable {
  static let standard = EarlyExitThreshold(probability: 0.7, text: "0.7")

  /// Nil where it is no number.
  let probability: Float?
  private let text: String

  private init(probability: Float?, text: String) {
    self.probability = probability
    self.text = text
  }

  init?(argument: String) {
    probability = Float(argument)
    text = argument
    if probability == nil, !argument.isNumberLike { return nil }
  }

  func validate() throws { try require(probability != nil, Self.refusal(text)) }

  var defaultValueDescription: String { text }

  /// Refuses `--early-exit=VALUE` where the value is no number.
  static func check(_ arguments: some Sequence<String>) throws {
    let start = "--early-exit="
    for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix(start) {
      let text = String(argument.dropFirst(start.count))
      try require(Float(text) != nil, refusal(text))
    }
  }

  private static func refusal(_ text: String) -> String {
    "--early-exit is \(text); it must be a probability, such as 0.7, or stand without a value."
  }
}

extension String {
  /// Whether somebody may have meant a number: 0,8 or 70%.
  fileprivate var isNumberLike: Bool {
    contains { $0.isASCII && $0.isNumber }
      && allSatisfy { $0.isASCII && ($0.isNumber || ",.%+-_".contains($0)) }
  }
}
