import Generation

/// What a run of a batch came to.
struct BatchSummary: Encodable, Sendable {
  var event = "finished"
  /// Prompts that were answered, and that could not be, in this run.
  var done = 0
  var failed = 0
  /// The same in runs before, as the results say.
  var doneBefore = 0
  var failedBefore = 0
  /// Nil where the input was not read to its end.
  var total: Int?
  var isInterrupted = false
  var retries = 0
  var promptTokens = 0
  /// Those of them that were read for another prompt.
  var cachedTokens = 0
  /// Beginnings that several prompts had in common and that were read once.
  var sharedBeginnings = 0
  var generatedTokens = 0
  /// Replies that were told again, as the same had been asked before.
  var replayed = 0
  /// Replies in which something went wrong.
  var faulty = 0
  var seconds = 0.0
  var tokensPerSecond: Double?
  var parallel: Int
  /// The fewest that the governor let be decoded together.
  var leastWidth: Int
  var governorChanges = 0
  var highestTemperature: Double?

  /// Of both this run and those before.
  var hasFailures: Bool { failed + failedBefore > 0 }

  /// The figures for people.
  var description: String {
    let all = done + failed + doneBefore + failedBefore
    let of = total.map { " of \($0)" } ?? ""
    let errors = failed + failedBefore > 0 ? ", \(failed + failedBefore) of them not answered" : ""
    let before =
      doneBefore + failedBefore > 0 ? ", \(doneBefore + failedBefore) in runs before" : ""
    var lines = [
      "\(isInterrupted ? "interrupted: " : "")\(all)\(of) prompts done\(errors)\(before)",
      "generated \(generatedTokens.inTokens) in \(seconds.inTenths) s"
        + (tokensPerSecond.map { ", \($0.inTenths) tokens/s" } ?? "")
        + ", up to \(parallel) replies at a time",
    ]
    if cachedTokens > 0 {
      lines.append(
        "prompts \(promptTokens.inTokens), \(cachedTokens) of them read before: "
          + "\(sharedBeginnings) beginnings were shared")
    }
    if replayed > 0 { lines.append("told again, as asked before: \(replayed)") }
    if faulty > 0 { lines.append("went wrong, as the results say: \(faulty)") }
    if retries > 0 { lines.append("tried again \(retries) times") }
    if governorChanges > 0 {
      lines.append("governor: \(governorChanges) changes, width down to \(leastWidth)")
    }
    return lines.map { "spark: \($0)\n" }.joined()
  }
}
