import ArgumentParser

/// `spark eval`: what a model remembers.
struct EvalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Measure what memory is worth.",
    discussion: """
      Every evaluation asks several arms the same questions, in turns: full attention where the \
      model's context allows it, a sliding window alone, the window with what the cascade recalls, \
      and a ceiling that is shown nothing but the answer and the question. Replies are greedy. \
      Shares come with their 95% interval (Wilson). Ctrl-C tells what is known so far.
      """,
    subcommands: [
      EvalRecall.self, EvalPasskey.self, EvalNeedles.self, EvalKeyValue.self,
      EvalPerplexity.self, EvalHarm.self, EvalRetriever.self, EvalCanary.self, EvalDrafts.self,
      EvalEarlyExit.self,
      EvalBeams.self,
      EvalSession.self,
    ])
}
