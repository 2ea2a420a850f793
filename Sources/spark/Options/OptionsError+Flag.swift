import Generation

extension OptionsError {
  /// The flag that sets the option: its Swift name with dashes, save where llama.cpp has another word.
  private var flag: String {
    let name = option.prefix { $0 != "[" }
    switch name {
    case "contextLength": return "--context"
    case "repetitionPenalty": return "--repeat-penalty"
    case "repetitionWindow": return "--repeat-last-n"
    case "stopStrings": return "--stop"
    case "storeBytes": return "--store-budget"
    case "memoryBytes": return "--memory-budget"
    case "drySequenceBreakers": return "--dry-sequence-breaker"
    default: return "--" + name.map { $0.isUppercase ? "-" + $0.lowercased() : "\($0)" }.joined()
    }
  }

  /// The message in the words of the command line.
  var usage: String { "\(flag) is \(value); it must be \(allowed)." }
}
