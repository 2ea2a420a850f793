public import ArgumentParser
public import Generation

/// Whether the likeliest reply is searched for.
struct BeamFlags: ParsableArguments {
  private static let defaults = BeamOptions()

  @Option(
    help: ArgumentHelp(
      "Search for the likeliest text with K beams, up to \(BeamOptions.widest), instead of drawing one; "
        + "text appears as soon as it is certain.", valueName: "k"))
  var beams: Int?

  @Option(
    help: ArgumentHelp(
      "The best N texts: listed on standard error behind the text, with --json in the last record, of a "
        + "batch in each result. (default: \(defaults.best))", valueName: "n"))
  var nbest: Int?

  @Option(
    help: ArgumentHelp(
      "Rank texts by log-probability over length to the power of A: 0 favours short ones, more than 1 "
        + "long ones. (default: \(defaults.lengthPenalty))", valueName: "a"))
  var lengthPenalty: Double?

  @Option(
    help: ArgumentHelp(
      "Split the beams into G groups that are kept apart by --beam-diversity. (default: \(defaults.groups))",
      valueName: "g"))
  var beamGroups: Int?

  @Option(
    help: ArgumentHelp(
      "What a token loses, in nats, for each earlier group's beam that chose it in the same step.",
      valueName: "d"))
  var beamDiversity: Double?

  @Option(
    help: ArgumentHelp(
      "Stop once N texts have ended and no beam scores better as it stands, once none can come to, or at "
        + "once. (default: \(defaults.stopping.rawValue))"))
  var beamStop: BeamOptions.Stopping?

  func validate() throws {
    guard beams == nil else { return }
    let others: [(String, Bool)] = [
      ("--nbest", nbest != nil), ("--length-penalty", lengthPenalty != nil),
      ("--beam-groups", beamGroups != nil), ("--beam-diversity", beamDiversity != nil),
      ("--beam-stop", beamStop != nil),
    ]
    for (name, isGiven) in others where isGiven {
      throw ValidationError("\(name) needs --beams, the number of beams to search with.")
    }
  }

  func apply(to options: inout GenerationOptions) {
    options.beams = beams.map {
      BeamOptions(
        width: $0, best: nbest ?? Self.defaults.best,
        lengthPenalty: lengthPenalty ?? Self.defaults.lengthPenalty,
        groups: beamGroups ?? Self.defaults.groups,
        diversityPenalty: beamDiversity ?? Self.defaults.diversityPenalty,
        stopping: beamStop ?? Self.defaults.stopping)
    }
  }

  /// Room in the cache for beams that have little in common, and for a text that has ended.
  func apply(to options: inout EngineOptions) {
    if let beams, beams > 1 { options.maxSequences = max(options.maxSequences, beams + 1) }
  }

  /// Refuses what a search would pass over in silence.
  func validate(beside sampling: SamplingFlags) throws {
    guard beams != nil, let flag = sampling.shapesDraw else { return }
    throw ValidationError(
      "\(flag) shapes a draw, and a search with --beams draws nothing; leave one of them out.")
  }
}

extension BeamOptions.Stopping: ExpressibleByArgument {}
