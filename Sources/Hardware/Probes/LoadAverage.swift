/// Tasks that ran or wanted to, averaged over 1, 5 and 15 minutes.
package struct LoadAverage: Codable, Equatable, Sendable {
  package var one: Double
  package var five: Double
  package var fifteen: Double

  init?(_ files: SystemFiles) {
    let values = (files.text("proc/loadavg") ?? "").split(separator: " ").prefix(3).map {
      Double($0)
    }
    guard values.count == 3,
      let one = values[0], let five = values[1], let fifteen = values[2],
      [one, five, fifteen].allSatisfy({ (0...1e6).contains($0) })
    else { return nil }
    (self.one, self.five, self.fifteen) = (one, five, fifteen)
  }
}
