import ArgumentParser
import Generation

/// Whether it is noted where a run's time goes.
struct ProfileFlags: ParsableArguments {
  @Flag(help: "Tell at the end where the time went, module by module, and what limits it.")
  var profile = false

  @Option(
    help: ArgumentHelp(
      "Write when each part of each pass ran to a file that Perfetto (https://ui.perfetto.dev) opens.",
      valueName: "file"))
  var trace: String?

  func validate() throws {
    try require(
      trace.map { !$0.isEmpty && $0 != "-" } ?? true,
      "--trace names a file; standard output is for the text.")
  }

  func apply(to options: inout EngineOptions) {
    guard profile || trace != nil else { return }
    options.profiling = ProfilingOptions(
      traceSlices: trace == nil ? 0 : ProfilingOptions.usualSlices)
  }
}
