import ArgumentParser
import Generation

/// `spark memory search`: which passages share words with a text.
struct MemorySearch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search", abstract: "Find passages by their words, the best match first.",
    discussion: """
      Passages are found as recall finds them: by the words that they share with the text, each \
      weighed by its rarity in nats. Upper and lower case differ, and common words tell nothing.
      """)

  @Argument(help: ArgumentHelp("The words to look for.", valueName: "text"))
  var text: String

  @Option(name: .shortAndLong, help: "Passages to show at most.")
  var limit = 10

  @OptionGroup var owner: NamespaceFlag
  @OptionGroup var store: MemoryStoreFlags

  func validate() throws {
    try require(limit > 0, "--limit must be at least 1.")
    try require(!text.isEmpty, "Give the words to look for.")
  }

  func run() async throws {
    let found = try await store.engine().memory.search(text, in: owner.namespace, limit: limit)
    for hit in found {
      let record = StoredPassageRecord(hit.passage, score: hit.score)
      if store.json {
        try Output.standard.writeJSONLine(record)
      } else {
        try Output.standard.write(record.entry)
      }
    }
    if found.isEmpty, !store.json {
      Output.error.tell(
        "spark: no passage in the namespace \(owner.namespace) shares a telling word with this text.\n"
      )
    }
  }
}
