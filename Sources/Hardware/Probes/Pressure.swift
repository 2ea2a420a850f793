/// Pressure stall information: the share of time, in percent, in which tasks waited for a resource
/// (Documentation/accounting/psi.rst). Nil where the kernel does not tell.
package struct Pressure: Codable, Equatable, Sendable {
  /// Shares over the last 10 and 60 seconds.
  package struct Stall: Codable, Equatable, Sendable {
    /// At least one task waited.
    package var some10: Double?
    package var some60: Double?
    /// All tasks waited at once.
    package var full10: Double?

    init?(_ text: String?) {
      guard let text else { return nil }
      for line in text.split(whereSeparator: \.isNewline) {
        for word in line.split(separator: " ").dropFirst() {
          let parts = word.split(separator: "=")
          guard parts.count == 2, let value = Double(parts[1]), (0...100).contains(value)
          else { continue }
          switch (line.first, parts[0]) {
          case ("s", "avg10"): some10 = value
          case ("s", "avg60"): some60 = value
          case ("f", "avg10"): full10 = value
          default: continue
          }
        }
      }
      guard some10 != nil || some60 != nil || full10 != nil else { return nil }
    }
  }

  package var processor: Stall?
  package var memory: Stall?
  package var io: Stall?

  init(_ files: SystemFiles) {
    processor = Stall(files.text("proc/pressure/cpu"))
    memory = Stall(files.text("proc/pressure/memory"))
    io = Stall(files.text("proc/pressure/io"))
  }
}
