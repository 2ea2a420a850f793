internal import Generation

/// What searching came to, for each task and arm.
package struct BeamComparison: Sendable {
  private var trials: [BeamTrial] = []

  package init() {}

  package mutating func add(_ trial: BeamTrial) { trials.append(trial) }

  package var markdown: String {
    var table = MarkdownTable(
      head: [
        "task", "arm", "log-probability a token", "against greedy", "tokens", "time a token",
        "keys and values",
      ])
    for task in BeamTask.all.map(\.name) {
      for arm in BeamArm.all.map(\.name) {
        let own = trials.filter { $0.task == task && $0.arm == arm }
        guard !own.isEmpty else { continue }
        table.rows.append([
          task, arm, told(own.map(\.perToken)), told(gains(own)),
          (own.map { Double($0.tokens) }.reduce(0, +) / Double(own.count)).rounded(to: 1),
          "× " + pairs(own).map { time($0) / time($1) }.median.rounded(to: 2),
          "× " + held(own).median.rounded(to: 2),
        ])
      }
    }
    return table.description
  }

  /// The mean over texts, with its interval.
  private func told(_ values: [Double]) -> String {
    PairedBootstrap.estimate(values.map { .init(sum: $0, count: 1) })?.description(places: 3) ?? ""
  }

  /// Each text beside the greedy one of the same prompt.
  private func pairs(_ own: [BeamTrial]) -> [(BeamTrial, BeamTrial)] {
    own.compactMap { trial in
      trials.first {
        $0.task == trial.task && $0.item == trial.item && $0.arm == BeamArm.greedy.name
      }.map { (trial, $0) }
    }
  }

  /// How much likelier a token of a text is than one of the greedy text.
  package func gains(_ own: [BeamTrial]) -> [Double] {
    pairs(own).map { $0.perToken - $1.perToken }
  }

  private func time(_ trial: BeamTrial) -> Double {
    max(1e-9, trial.seconds) / Double(max(1, trial.tokens))
  }

  private func held(_ own: [BeamTrial]) -> [Double] {
    own.map { trial in
      trial.beams.map { Double($0.peakBlocks) / Double(max(1, $0.singleBlocks)) } ?? 1
    }
  }
}
