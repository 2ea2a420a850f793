extension Duration {
  var seconds: Double { self / .seconds(1) }
}

extension Double {
  /// Rounded to tenths, which are always written: `12.0`; a dash for what is no number.
  var inTenths: String { rounded(to: 10) }

  /// The same in hundredths: `12.00`.
  var inHundredths: String { rounded(to: 100) }

  /// A share of 1, as `87.5%`.
  var inPercent: String { isFinite ? "\((self * 100).inTenths)%" : inTenths }

  /// - Parameter parts: of one, a power of ten.
  private func rounded(to parts: Int) -> String {
    guard isFinite else { return isNaN ? "-" : self < 0 ? "-inf" : "inf" }
    guard let all = Int(exactly: (self * Double(parts)).rounded()) else { return "\(self)" }
    let rest = "\(all.magnitude % UInt(parts))"
    let zeros = String(repeating: "0", count: "\(parts)".count - 1 - rest.count)
    return "\(all < 0 ? "-" : "")\(all.magnitude / UInt(parts)).\(zeros)\(rest)"
  }

  /// In thousand millions, as `21.4`.
  var inGiga: String { (self / 1e9).inTenths }
}

extension Int {
  /// A number of bytes, as `9.1 MiB`.
  var inBytes: String {
    var (value, units) = (Double(self), ["bytes", "KiB", "MiB", "GiB"][...])
    while value >= 1024, units.count > 1 {
      value /= 1024
      units.removeFirst()
    }
    return units.first == "bytes" ? "\(self) bytes" : "\(value.inTenths) \(units[units.startIndex])"
  }

  /// A number of blocks, as `1 block`.
  var inBlocks: String { self == 1 ? "1 block" : "\(self) blocks" }

  /// A number of tokens, as `1 token`.
  var inTokens: String { self == 1 ? "1 token" : "\(self) tokens" }
}
