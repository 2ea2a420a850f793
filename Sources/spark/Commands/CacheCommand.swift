import ArgumentParser

/// `spark cache`: how caches would fare.
struct CacheCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache", abstract: "Measure what the caches rest on.",
    subcommands: [CacheSimulate.self, CacheCodecs.self, CacheBench.self])
}
