import ArgumentParser
import Generation
import Glibc

@main
enum Main {
  static func main() async {
    // A reader that leaves and a file over its size limit are then errors of write(2), not our death.
    for refused in [SIGPIPE, SIGXFSZ] { _ = signal(refused, SIG_IGN) }
    StandardDescriptors.fillGaps()
    do {
      let arguments = Array(CommandLine.arguments.dropFirst())
      var command = try await EnvironmentArguments.parse(
        arguments, as: Spark.self, environment: ProcessEnvironment.current)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch OutputError.closed {
      exit(EXIT_SUCCESS)
    } catch is CancellationError {
      exit(Interruption.exitCode)
    } catch let error as EngineError where error.option != nil {
      // Out of a range that only the model could tell: wrong usage all the same.
      Spark.exit(withError: ValidationError(error.option!.usage))
    } catch let error where error.isFailure {
      Output.error.tell("spark: \(error)\n")
      exit(EXIT_FAILURE)
    } catch {
      // Help, the version, wrong usage, and exit codes chosen by a command.
      Spark.exit(withError: error)
    }
  }
}

extension Error {
  /// Whether the work failed, as opposed to the usage being wrong or help being asked for.
  fileprivate var isFailure: Bool {
    !(self is ExitCode) && Spark.exitCode(for: self) == .failure
  }
}
