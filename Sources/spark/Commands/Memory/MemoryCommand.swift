import ArgumentParser

/// `spark memory`: what is remembered, and how it is forgotten.
struct MemoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory", abstract: "Look at what is remembered, and forget it.",
    discussion: """
      What was read with --memory and a store, or with spark remember, is kept in passages, the blocks \
      in which it comes back. Each belongs to a session, a session to a namespace, and all of it to the \
      model that read it: another model's passages are kept and not seen.
      """,
    subcommands: [
      MemoryStats.self, MemorySearch.self, MemoryShow.self, MemoryForget.self, MemoryVerify.self,
      MemoryConsolidate.self,
    ])
}
