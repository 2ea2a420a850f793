import ArgumentParser
import Generation
import Hardware

/// `spark hardware`: what the machine is, how it feels, and how Spark will use it.
struct Hardware: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hardware",
    abstract: "Describe this machine: processors, limits, memory, heat, and how to use them.",
    discussion: """
      What the system does not tell is unknown; unknown is never taken for cool. A capture holds only \
      the files that were read, and nothing that names a person, a host or a device.
      """)

  @Flag(help: "Write one JSON object; with --watch, one a second.")
  var json = false

  @Flag(help: "Go on telling how the machine feels, until Ctrl-C.")
  var watch = false

  @Option(
    help: ArgumentHelp(
      "Describe another machine: a folder with its proc and sys, or a capture.", valueName: "path"))
  var root = "/"

  @Option(
    help: ArgumentHelp(
      "Save what was read for a bug report; - is standard output.", valueName: "file"))
  var capture: String?

  @Option(
    help: ArgumentHelp(
      "Run the governor for two simulated hours and write a picture of it.", valueName: "file"))
  var simulate: String?

  @Option(help: "With --simulate: degrees Celsius of the room.")
  var ambient = 25.0

  @OptionGroup(title: "Heat") var thermal: ThermalFlags

  func validate() throws {
    let chosen = [watch, capture != nil, simulate != nil].filter(\.self).count
    try require(
      chosen <= 1, "--watch, --capture and --simulate are three different things; take one.")
    try require((-20...60).contains(ambient), "--ambient must be between -20 and 60.")
  }

  func run() async throws {
    if let simulate {
      return try await HardwareSimulation(ambient: ambient, options: thermal.options)
        .write(to: simulate)
    }
    let files = try SystemFiles.open(root)
    if let capture {
      let tree = CapturedTree.capture(files)
      return try await OutputFile.write(capture) { try $0.write(tree.text) }
    }
    let snapshot = MachineSnapshot(files)
    if watch {
      let watch = HardwareWatch(
        files: files, snapshot: snapshot, isJSON: json, options: thermal.options)
      return try await Interruption.cancels { try await watch.run() }
    }
    let advice = Recommendation(for: snapshot)
    // Of another machine there is only what was written down.
    let matrixUnit: MatrixUnit? = root == "/" ? .current : nil
    if json {
      try Output.standard.writeJSONLine(
        HardwareRecord(
          machine: snapshot.machine, conditions: snapshot.conditions, recommendation: advice,
          matrixUnit: matrixUnit))
    } else {
      try Output.standard.write(HardwarePage(snapshot, advice, matrixUnit: matrixUnit).description)
    }
  }
}

private struct HardwareRecord: Encodable {
  var machine: Machine
  var conditions: Conditions
  var recommendation: Recommendation
  var matrixUnit: MatrixUnit?
}
