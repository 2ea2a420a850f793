import ArgumentParser
import FoundationEssentials

/// Options taken from environment variables: `--top-p` is `SPARK_TOP_P`.
///
/// A variable becomes an argument that stands where the user could have typed it, unless the user did
/// type it. So each option is declared once, and a value is read, checked and refused the same way
/// wherever it comes from. Which options a command has is read from its own help description.
enum EnvironmentArguments {
  static let prefix = "SPARK_"

  /// The command that `arguments` and `environment` ask for.
  ///
  /// Throws what ArgumentParser throws; an error about a value that came from the environment names
  /// the variable.
  static func parse(
    _ arguments: [String], as root: any AsyncParsableCommand.Type, environment: [String: String]
  ) async throws -> any ParsableCommand {
    let (command, depth) = commandNamed(by: arguments, in: root)
    let settings = try settings(
      for: command, typed: arguments.dropFirst(depth), environment: environment)
    let all =
      arguments.prefix(depth) + settings.flatMap(\.arguments)
      + joiningNegativeValues(arguments.dropFirst(depth))
    do {
      try EarlyExitThreshold.check(all)
      return try await root.asyncParseAsRoot(Array(all))
    } catch {
      let message = root.message(for: error)
      guard let culprit = settings.first(where: { $0.names.contains(where: message.mentions) })
      else {
        throw error
      }
      throw ValidationError("\(culprit.variable)=\(culprit.value): \(message)")
    }
  }

  /// `--temp -1` as `--temp=-1`, so that a negative number is refused for what it is and not taken for
  /// an unknown option.
  static func joiningNegativeValues(_ arguments: ArraySlice<String>) -> [String] {
    var joined: [String] = []
    for argument in arguments {
      if let last = joined.last, last.hasPrefix("--"), last.count > 2, !last.contains("="),
        argument.hasPrefix("-"), argument.dropFirst().first?.isNumber == true
      {
        joined[joined.count - 1] = last + "=" + argument
      } else {
        joined.append(argument)
      }
    }
    return joined
  }

  /// The innermost command that `arguments` name, and how many words name it.
  private static func commandNamed(
    by arguments: [String], in root: any ParsableCommand.Type
  ) -> (command: any ParsableCommand.Type, depth: Int) {
    var command = root
    for (depth, word) in arguments.enumerated() {
      guard
        let next = command.configuration.subcommands.first(where: {
          $0.configuration.commandName == word
        })
      else { return (command, depth) }
      command = next
    }
    return (command, arguments.count)
  }

  /// One option set by one variable.
  private struct Setting {
    var variable: String
    var value: String
    /// All the option's names, as they may occur in a message about it.
    var names: [String]
    var arguments: [String]
  }

  private static func settings(
    for command: any ParsableCommand.Type, typed: ArraySlice<String>,
    environment: [String: String]
  ) throws -> [Setting] {
    guard environment.keys.contains(where: { $0.hasPrefix(prefix) }) else { return [] }
    let typedNames = Set(
      typed.prefix { $0 != "--" }.filter { $0.hasPrefix("-") }
        .map { String($0.prefix { $0 != "=" }) })

    let description = try JSONDecoder().decode(
      HelpDescription.self, from: Data(command._dumpHelp().utf8))
    return try (description.command.arguments ?? []).compactMap { argument in
      let names = argument.names ?? []
      guard argument.kind != "positional", typedNames.isDisjoint(with: names.map(\.spelling))
      else { return nil }
      for name in names where name.kind == "long" && !["help", "version"].contains(name.name) {
        let variable = prefix + name.name.uppercased().replacing("-", with: "_")
        // An empty variable is an unset one, as is the habit of shells.
        guard let value = environment[variable], !value.isEmpty else { continue }
        return Setting(
          variable: variable, value: value, names: names.map(\.spelling),
          arguments: try self.arguments(name.name, value, argument, variable: variable))
      }
      return nil
    }
  }

  private static func arguments(
    _ option: String, _ value: String, _ argument: HelpDescription.Argument, variable: String
  ) throws -> [String] {
    guard argument.kind == "flag" else {
      let values = argument.isRepeating ? value.split(separator: "\n").map(String.init) : [value]
      return values.map { "--\(option)=\($0)" }
    }
    switch value.lowercased() {
    case "1", "true", "yes", "on": return ["--" + option]
    case "0", "false", "no", "off": return []
    default: throw ValidationError("\(variable)=\(value): --\(option) is a flag; give 1 or 0.")
    }
  }
}

/// The part that matters here of what a command tells about itself (ArgumentParser's ToolInfo).
private struct HelpDescription: Decodable {
  struct Command: Decodable {
    var arguments: [Argument]?
  }

  struct Argument: Decodable {
    var kind: String
    var isRepeating: Bool
    var names: [Name]?
  }

  struct Name: Decodable {
    var kind: String
    var name: String

    /// The name as one types it.
    var spelling: String { (kind == "long" ? "--" : "-") + name }
  }

  var command: Command
}

extension String {
  /// Whether the option `name` occurs as a word of its own, so not `--temp` in `--temperature`.
  fileprivate func mentions(_ name: String) -> Bool {
    ranges(of: name).contains { range in
      guard range.upperBound < endIndex else { return true }
      let next = self[range.upperBound]
      return !next.isLetter && !next.isNumber && next != "-"
    }
  }
}
