import ArgumentParser
import Cache

/// How much a simulated cache holds, as one types it: `10%`, `512MiB`, `1000` (bytes).
enum CacheCapacity: ExpressibleByArgument, Equatable {
  /// Of the bytes of all entries of a trace.
  case percent(Double)
  case bytes(Int)

  static let usual: [CacheCapacity] = [1, 2, 5, 10, 20, 40, 60, 80, 90].map(percent)

  private static let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("B", 0), ("", 0)]

  init?(argument: String) {
    if argument.hasSuffix("%") {
      guard let percent = Double(argument.dropLast()), percent > 0, percent <= 1000 else {
        return nil
      }
      self = .percent(percent)
    } else {
      guard let (unit, shift) = Self.units.first(where: { argument.hasSuffix($0.0) }),
        let number = Int(argument.dropLast(unit.count)), number > 0, number < 1 << (60 - shift)
      else { return nil }
      self = .bytes(number << shift)
    }
  }

  var defaultValueDescription: String {
    switch self {
    case .percent(let percent): "\(percent)%"
    case .bytes(let bytes): "\(bytes)"
    }
  }

  func bytes(of footprint: Int) -> Int {
    switch self {
    case .percent(let percent): Int((Double(footprint) * percent / 100).rounded())
    case .bytes(let bytes): bytes
    }
  }
}
