/// Energy that the machine's processors have taken since a moment, where the system lets it be read.
package struct EnergyMeter: Sendable {
  private let files: SystemFiles
  private let begun: [EnergyCounter]

  /// Begins to count.
  package init(_ files: SystemFiles) {
    self.files = files
    begun = Self.packages(files)
  }

  /// Joules since then; nil where no counter can be read.
  package var joules: Double? {
    let now = Self.packages(files)
    guard !begun.isEmpty, begun.map(\.name) == now.map(\.name) else { return nil }
    var sum = 0.0
    for (then, now) in zip(begun, now) {
      guard let first = then.joules, let last = now.joules else { return nil }
      // It has begun again from 0, once: packages take minutes for that.
      guard last >= first || now.range != nil else { return nil }
      sum += last >= first ? last - first : last - first + now.range!
    }
    return sum
  }

  /// Processor packages, which all else of a processor is part of.
  private static func packages(_ files: SystemFiles) -> [EnergyCounter] {
    EnergyCounter.all(files).filter { $0.name.hasPrefix("package") }
  }
}
