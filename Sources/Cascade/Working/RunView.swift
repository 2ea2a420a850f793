/// Where a run of a step keeps room for what each layer recalls: places among the step's spans.
package struct RunView: Sendable {
  /// The run's first row in the step, and how many it has.
  package let row: Int
  package let rows: Int
  /// The first row's index in its sequence.
  package let index: Int
  /// The first of the sequence's blocks that the run's window holds.
  package let firstBlock: Int
  /// The place of the sinks, when the sequence has any.
  package let sinkPlace: Int
  /// The first place for recalled blocks.
  package let room: Int
  /// The place of the window's first block.
  package let windowPlace: Int
}
