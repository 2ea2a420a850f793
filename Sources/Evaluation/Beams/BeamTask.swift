package import Generation

/// Texts to be searched for, and drawn.
package struct BeamTask: Sendable {
  package var name: String
  package var prompts: [Prompt]
  /// Whether texts go on to the most tokens.
  package var ignoresEndTokens: Bool

  private static let animals = ["fox", "hen", "bear", "duck", "goat", "mouse", "owl", "frog"]
  private static let beginnings = [
    "Once upon a time there was a little", "One day a boy met a big", "It was raining, and the old",
  ]
  private static let questions = [
    "What do you know about the", "Tell me a story about the", "Where does one find the",
  ]

  private static func each(_ beginnings: [String], _ end: String) -> [String] {
    beginnings.flatMap { beginning in animals.map { "\(beginning) \($0)\(end)" } }
  }

  /// Stories of one length, and answers to their ends.
  package static let all = [
    BeamTask(
      name: "story", prompts: each(beginnings, "").map { .text($0) }, ignoresEndTokens: true),
    BeamTask(
      name: "answer", prompts: each(questions, "?").map { .chat([.user($0)]) },
      ignoresEndTokens: false),
  ]
}

/// One way to come to a text.
package struct BeamArm: Sendable {
  package var name: String
  package var sampling: SamplingOptions
  package var beams: BeamOptions?

  /// What all others are compared with.
  package static let greedy = BeamArm(name: "greedy", sampling: .greedy)

  package static let all =
    [greedy, BeamArm(name: "drawn", sampling: SamplingOptions())]
    + [2, 4, 8].map {
      BeamArm(name: "\($0) beams", sampling: .greedy, beams: BeamOptions(width: $0))
    } + [
      BeamArm(
        name: "4 beams, certain", sampling: .greedy,
        beams: BeamOptions(width: 4, stopping: .certain))
    ]
}
