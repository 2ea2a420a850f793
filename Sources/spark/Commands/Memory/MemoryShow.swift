import ArgumentParser
import Generation

/// `spark memory show`: one passage as a whole.
struct MemoryShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a passage, and what stands beside it.",
    discussion: "The text goes to standard output, all else to standard error.")

  @Argument(
    help: ArgumentHelp("The passage: the first six digits of its id, or more.", valueName: "id"))
  var id: String

  @OptionGroup var owner: NamespaceFlag
  @OptionGroup var store: MemoryStoreFlags

  func run() async throws {
    let found = try await store.engine().memory.passage(id, in: owner.namespace)
    var record = StoredPassageRecord(found.passage)
    record.previous = found.previous
    record.next = found.next
    if store.json { return try Output.standard.writeJSONLine(record) }
    var remarks = ["passage \(found.passage.id)", record.origin]
    for link in found.passage.links { remarks.append("of \(link)") }
    if let previous = found.previous { remarks.append("before it \(previous)") }
    for next in found.next { remarks.append("after it \(next)") }
    Output.error.tell(remarks.map { "spark: \($0)\n" }.joined())
    try Output.standard.write(found.passage.text + "\n")
  }
}
