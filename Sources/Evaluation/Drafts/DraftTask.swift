package import Generation

/// Texts to be written with drafts and without.
package struct DraftTask: Sendable {
  package var name: String
  package var prompts: [Prompt]
  package var sampling: SamplingOptions
  package var engine: EngineOptions
  /// Whether each prompt was answered before, in another session of the same namespace.
  package var isRepeated: Bool

  private static let passages = [
    """
    The old mill stood at the end of the village, where the river made a bend. Every morning the \
    miller opened the gate, and the big wheel began to turn. His grey cat sat on a sack of flour \
    and watched the water.
    """,
    """
    On Monday Anna packed a red bag with two apples, a map, and a small lamp. She walked along the \
    road to the hill and counted the trees on her way. There were nineteen, and the last one was \
    the tallest of them all.
    """,
    """
    The baker had three sons. The first one made bread, the second one sold it, and the third one \
    ate it. One day the baker said that the youngest should learn to make a cake, too, and so he \
    did, with butter and honey.
    """,
    """
    In the winter the lake was covered with ice. The children put on their boots and their warm \
    coats, and went to slide from one side to the other. A brown dog ran after them and barked at \
    its own shadow.
    """,
    """
    Mister Brown had a shop for clocks. Some were big and some were small, and none of them told the \
    same time. When people asked him what time it was, he looked out of the window at the sun and \
    said that it was time for tea.
    """,
    """
    A fox and a hen met at the bridge. The fox said that he was not hungry, and the hen said that she \
    was not afraid. Both of them were lying. So they waited at their ends of the bridge until the \
    moon came up over the wood.
    """,
  ]

  private static let questions = [
    "What do foxes eat?", "Tell me a story about a frog and a lake.", "Why is the sky blue?",
    "How do I make a cake?", "Tell me about the moon.", "What can I do when I am sad?",
    "Tell me a story about a lost key.", "What is a good name for a grey cat?",
  ]

  private static let beginnings = [
    "Once upon a time", "The old lighthouse", "Tom had a red ball. He",
    "In the middle of the night",
    "Lily was afraid of", "The dragon said", "One day, a little bird", "It was raining, and",
  ]

  /// What is copied from the prompt, what is asked again, and what has never been said.
  ///
  /// - Parameter base: what all engines share.
  package static func all(base: EngineOptions) -> [DraftTask] {
    let copies = passages.map { passage in
      let words = passage.split(separator: " ").prefix(8).joined(separator: " ")
      return Prompt.text("\(passage)\n\n\(passage)\n\n\(words)")
    }
    var remembering = base
    remembering.window = .sliding(tokens: 512)
    return [
      DraftTask(
        name: "copy", prompts: copies, sampling: .greedy, engine: base, isRepeated: false),
      DraftTask(
        name: "chat, asked again", prompts: questions.map { .chat([.user($0)]) },
        sampling: .greedy, engine: remembering, isRepeated: true),
      DraftTask(
        name: "story", prompts: beginnings.map { .text($0) },
        sampling: SamplingOptions(temperature: 0.8), engine: base, isRepeated: false),
    ]
  }
}
