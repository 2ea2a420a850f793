import ArgumentParser
import Generation

/// `spark store stats`: how full it is, and of what.
struct StoreStats: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Tell what a store holds and what that takes.")

  @OptionGroup var store: StoreFlags

  func run() async throws {
    let record = StoreRecord(try await store.engine().store.status())
    if store.json {
      try Output.standard.writeJSONLine(record)
    } else {
      try Output.standard.write(record.page)
    }
  }
}
