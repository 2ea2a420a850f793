internal import Cascade
internal import Model

/// A reply that is searched for rather than drawn: its beams, and where each of them is.
struct BeamState {
  struct Beam {
    let memory: SequenceMemory
    var sampler: Sampler
    /// Nil where nothing in the text can end it.
    var text: ReplyText?
    /// What its next pass reads.
    var lastToken: TokenID = 0
  }

  var search: BeamSearch
  /// As in `search`; empty before the prompt is read. At first all of them are one.
  var beams: [Beam] = []
  /// Memory of the best reply that has ended, which has read all but its last token.
  var ended: SequenceMemory?
  /// The model's own view of each token that may still be told, by its node, where that was asked for.
  var logprobs: [Int: TokenLogprobs] = [:]
  /// The last token that is certain, and how many there are.
  var agreed = (node: TokenTree.root, count: 0)
  var report = BeamReport()
  /// Whether all memories but one have been given back.
  var isSettled = false

  /// Rows of its next pass.
  var rows: Int { max(1, beams.count) }

  /// Whether a beam, or what has ended, begins with all that is certain.
  func agrees(_ node: Int) -> Bool { search.tree.meeting(node, agreed.node) == agreed.node }

  /// Takes note of what the beams hold together.
  mutating func noteBlocks() {
    var blocks: Set<KVBlockID> = []
    for memory in beams.map(\.memory) + (ended.map { [$0] } ?? []) {
      blocks.formUnion(memory.working.blocks)
      report.singleBlocks = max(report.singleBlocks, memory.heldBlocks)
    }
    report.peakBlocks = max(report.peakBlocks, blocks.count)
  }

  /// Gives a memory back that is not the reply's in the end.
  mutating func drop(_ memory: SequenceMemory, in pool: KVBlockPool) {
    report.copiedBlocks += memory.working.copied
    memory.drop(in: pool)
  }
}
