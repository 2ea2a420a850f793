internal import Generation

/// What drafts came to, for each task and arm.
package struct DraftReport: Sendable {
  private var trials: [DraftTrial] = []

  package init() {}

  package mutating func add(_ trial: DraftTrial) { trials.append(trial) }

  /// Tasks and arms in the order in which they first came.
  private var cells: [(task: String, arm: String)] {
    var cells: [(task: String, arm: String)] = []
    for trial in trials where !cells.contains(where: { $0 == (trial.task, trial.arm) }) {
      cells.append((trial.task, trial.arm))
    }
    return cells.sorted { left, right in
      let tasks = trials.map(\.task)
      return tasks.firstIndex(of: left.task)! < tasks.firstIndex(of: right.task)!
        || (left.task == right.task && left.arm == "off" && right.arm != "off")
    }
  }

  /// How much faster an arm wrote each text than the arm without drafts did in the same round: the median.
  package func speedup(task: String, arm: String) -> Double {
    let ratios = trials.filter { $0.task == task && $0.arm == arm }.compactMap { trial in
      trials.first {
        $0.task == task && $0.arm == "off" && $0.item == trial.item && $0.round == trial.round
      }.map { $0.seconds / max(1e-9, trial.seconds) }
    }
    return ratios.median
  }

  /// The percentage of an arm's time that went into guessing.
  private func share(_ trials: [DraftTrial]) -> Double {
    let guessing = trials.reduce(0.0) { sum, trial in
      let drafts = trial.drafts
      let time =
        drafts.lookup.time + drafts.continuations.time + drafts.model.time + drafts.exit.time
      return sum + time / .seconds(1)
    }
    return 100 * guessing / max(1e-9, trials.reduce(0) { $0 + $1.seconds })
  }

  package var markdown: String {
    var table = MarkdownTable(
      head: [
        "task", "arm", "tokens", "drafted", "right", "tokens a pass", "guessing", "speed", "same",
      ])
    for (task, arm) in cells {
      let own = trials.filter { $0.task == task && $0.arm == arm }
      let (tokens, passes) = own.reduce(into: (0, 0)) {
        $0.0 += $1.drafts.tokens
        $0.1 += $1.drafts.passes
      }
      table.rows.append([
        task, arm, "\(own.reduce(0) { $0 + $1.tokens })",
        "\(own.reduce(0) { $0 + $1.drafts.drafted })",
        "\(own.reduce(0) { $0 + $1.drafts.accepted })",
        passes > 0 ? (Double(tokens) / Double(passes)).rounded(to: 2) : "1.00",
        share(own).rounded(to: 0) + "%",
        "× " + speedup(task: task, arm: arm).rounded(to: 2),
        "\(own.count { $0.isSame }) of \(own.count)",
      ])
    }
    return table.description
  }
}

extension [Double] {
  /// The middle value; the mean of the two middle ones where their number is even.
  package var median: Double {
    guard !isEmpty else { return .nan }
    let sorted = sorted()
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}
