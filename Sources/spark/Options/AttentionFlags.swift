import ArgumentParser
import Generation

/// What stays in attention beside the window, and what comes back to it.
struct AttentionFlags: ParsableArguments {
  @Option(help: "Tokens at the start of the text that stay in attention when a window slides.")
  var sinks = EngineOptions().sinks

  @Option(
    help: ArgumentHelp(
      "Blocks from before the window that each layer may bring back; 0 brings back none.",
      valueName: "r"))
  var recall = RecallOptions().blocks

  @Option(
    help: ArgumentHelp(
      "How many of them are those that the latest words point to, in every layer.", valueName: "n"))
  var recallRouted = RecallOptions().routed

  @Option(
    help: ArgumentHelp(
      "How much the latest words must have in common with a passage to bring any back; 0: nothing.",
      valueName: "strictness"))
  var recallGate = RecallOptions().gate

  @Option(help: "Tokens from one choice of such blocks to the next.")
  var recallEvery = RecallOptions().every

  @Option(help: "What blocks are chosen by.")
  var scorer = RecallOptions().scorer

  @Option(help: "Where such blocks stand before the window.")
  var placement = RecallOptions().placement

  @Option(help: "Tokens in a block, a multiple of 16.")
  var block = EngineOptions().blockLength

  func validate() throws {
    try require(sinks >= 0, "--sinks must not be negative.")
    try require(recall >= 0, "--recall must not be negative.")
    try require(recallEvery > 0, "--recall-every must be at least 1.")
  }

  /// Says what the flags say; all else stays as it is.
  func apply(to options: inout EngineOptions) {
    options.sinks = sinks
    options.recall = RecallOptions(
      blocks: recall, routed: recallRouted, gate: recallGate, every: recallEvery, scorer: scorer,
      placement: placement)
    options.blockLength = block
  }
}
