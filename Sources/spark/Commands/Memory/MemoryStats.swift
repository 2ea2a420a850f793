import ArgumentParser
import Generation

/// `spark memory stats`: how much is remembered.
struct MemoryStats: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Tell how much each namespace remembers.")

  @OptionGroup var namespaces: NamespacesFlag
  @OptionGroup var store: MemoryStoreFlags

  func run() async throws {
    let holdings = try await store.engine().memory.holdings()
    var record = HoldingsRecord(holdings, store: store.folder)
    if let only = namespaces.namespace { record.namespaces.removeAll { $0.namespace != only } }
    if store.json {
      try Output.standard.writeJSONLine(record)
    } else {
      try Output.standard.write(record.table)
    }
    if holdings.unseenBlocks > 0, !store.json {
      Output.error.tell(
        "spark: the store also has \(holdings.unseenBlocks) blocks of other models, block lengths or "
          + "number formats, \(holdings.unseenBytes.disk.inBytes) on disk; this model does not see "
          + "them.\n")
    }
  }
}

/// What memory holds, in JSON's words and as a table for people.
private struct HoldingsRecord: Encodable {
  var store: String
  var namespaces: [Row]
  var unseenBlocks: Int
  var unseenDiskBytes: Int

  struct Row: Encodable {
    var namespace: String
    var sessions: Int
    var passages: Int
    var tokens: Int
    var memoryBytes: Int
    var compressedBytes: Int
    var diskBytes: Int
    var semantic: Semantic
  }

  /// Concepts, which the figures beside them do not count.
  struct Semantic: Encodable {
    var concepts: Int
    var memoryBytes: Int
    var compressedBytes: Int
    var diskBytes: Int
  }

  init(_ holdings: MemoryHoldings, store: String) {
    self.store = store
    namespaces = holdings.namespaces.map {
      Row(
        namespace: $0.name, sessions: $0.sessions, passages: $0.passages, tokens: $0.tokens,
        memoryBytes: $0.bytes.memory, compressedBytes: $0.bytes.compressed,
        diskBytes: $0.bytes.disk,
        semantic: Semantic(
          concepts: $0.concepts, memoryBytes: $0.conceptBytes.memory,
          compressedBytes: $0.conceptBytes.compressed, diskBytes: $0.conceptBytes.disk))
    }
    unseenBlocks = holdings.unseenBlocks
    unseenDiskBytes = holdings.unseenBytes.disk
  }

  var table: String {
    guard !namespaces.isEmpty else { return "Nothing of this model is remembered in \(store).\n" }
    let rows =
      [
        [
          "namespace", "sessions", "passages", "tokens", "memory", "compressed", "disk", "concepts",
          "disk",
        ]
      ]
      + namespaces.map {
        [
          visible(Array($0.namespace.utf8)), "\($0.sessions)", "\($0.passages)", "\($0.tokens)",
          $0.memoryBytes.inBytes, $0.compressedBytes.inBytes, $0.diskBytes.inBytes,
          "\($0.semantic.concepts)", $0.semantic.diskBytes.inBytes,
        ]
      }
    return TextTable.text(rows) + "\n"
  }
}
