extension Duration {
  var seconds: Double { self / .seconds(1) }
}

extension Double {
  /// Rounded to tenths, which are always written: `12.0`.
  var inTenths: String {
    let tenths = Int((self * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// Rounded to hundredths, which are always written: `12.00`.
  var inHundredths: String {
    let hundredths = Int((self * 100).rounded())
    return "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
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
