import ArgumentParser

/// `spark store`: the files in which sessions and memory are kept.
struct StoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store", abstract: "Look after the files in which sessions and memory are kept.",
    discussion: """
      A store is a folder: a catalog of what was said, and segments of the keys and values that were \
      computed of it, of whatever model. What was said is never let go of by itself; keys and values are, \
      when --store-budget is reached, and are computed again from the text when they are wanted.
      """,
    subcommands: [StoreStats.self, StoreCheckCommand.self, StoreCompact.self])
}
