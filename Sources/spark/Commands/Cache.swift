import ArgumentParser

/// `spark cache`: what the memory of keys and values costs and keeps.
struct CacheCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache", abstract: "Study the cache of keys and values.",
    subcommands: [CacheCodecs.self])
}
