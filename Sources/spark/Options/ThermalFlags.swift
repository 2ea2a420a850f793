public import ArgumentParser
public import Hardware

/// How near to its limits a run may bring the machine.
struct ThermalFlags: ParsableArguments {
  @Option(help: "How hard the machine may be driven.")
  var thermal = ThermalOptions().mode

  @Option(
    help: ArgumentHelp(
      "Degrees Celsius that the processor should never pass. (default: what the machine says)",
      valueName: "celsius"))
  var maxTemp: Double?

  @Option(
    help: ArgumentHelp(
      "Seconds between two changes of direction, and for which a retreat holds.",
      valueName: "seconds"))
  var cooldown = ThermalOptions().cooldown

  func validate() throws {
    try require(
      maxTemp.map { (30...120).contains($0) } ?? true, "--max-temp must be between 30 and 120.")
    try require((1...3600).contains(cooldown), "--cooldown must be between 1 and 3600.")
  }

  var options: ThermalOptions {
    ThermalOptions(mode: thermal, maxTemperature: maxTemp, cooldown: cooldown)
  }
}

extension ThermalOptions.Mode: ExpressibleByArgument {}
