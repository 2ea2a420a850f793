import ArgumentParser

/// The command line's root: names the commands, runs none itself.
struct Spark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spark",
    abstract: "Streams text from language models, on ordinary processors.",
    discussion: """
      Every long option can also be set by an environment variable: --top-p is SPARK_TOP_P. The \
      option on the command line wins. Flags take 1 or 0; an option that repeats takes one value a \
      line.

      Exit codes: 0 done (also when the reader of a pipe has had enough), 1 failed, 64 wrong usage, \
      130 interrupted.
      """,
    version: Version.current.description,
    subcommands: [
      Generate.self, Chat.self, Batch.self, SessionCommand.self, Remember.self, MemoryCommand.self,
      StoreCommand.self,
      ModelCommand.self, Tokenize.self,
      Detokenize.self, Embed.self, Bench.self, ProfileCommand.self, Hardware.self,
      CacheCommand.self, EvalCommand.self,
    ])
}
