import ArgumentParser

/// A time as one types it: `90`, `90s`, `5m`, `2h`.
struct DurationArgument: ExpressibleByArgument, Sendable {
  let duration: Duration

  init?(argument: String) {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
    let unit = argument.last.flatMap { units[$0] }
    guard let number = Int(unit == nil ? argument[...] : argument.dropLast()), number >= 0,
      number < 1 << 30
    else { return nil }
    duration = .seconds(number * (unit ?? 1))
  }
}
