import ArgumentParser

/// A number of bytes, as one types it: `500M`, `2G`, `1.5GiB`, `1048576`. Units are powers of 1024.
struct ByteSize: ExpressibleByArgument, Equatable {
  var bytes: Int

  private static let units = ["K": 10, "M": 20, "G": 30, "T": 40]

  init?(argument: String) {
    var number = argument.uppercased()
    for ending in ["IB", "B"] where number.hasSuffix(ending) {
      number.removeLast(ending.count)
      break
    }
    var shift = 0
    if let unit = number.last, let power = Self.units[String(unit)] {
      number.removeLast()
      shift = power
    } else if argument.uppercased().hasSuffix("IB") {
      return nil
    }
    // Digits and a point alone: not the spellings of infinity and exponents.
    guard let first = number.first, first.isASCII, first.isNumber,
      number.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }), let count = Double(number)
    else { return nil }
    let bytes = count * Double(1 << shift)
    guard bytes < Double(1 << 60) else { return nil }
    self.bytes = Int(bytes)
  }
}

/// How much a store may keep.
struct StoreBudgetFlag: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The most that the store's segments may take on disk, such as 500M or 2G; pinned sessions and "
        + "those in use are never let go of for it. (default: what suits the machine, 8G at most)",
      valueName: "size"))
  var storeBudget: ByteSize?

  func validate() throws {
    try require((storeBudget?.bytes ?? .max) >= 1 << 20, "--store-budget must be at least 1M.")
  }
}
