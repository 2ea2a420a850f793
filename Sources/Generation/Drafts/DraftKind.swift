/// Where a draft comes from.
package enum DraftSource: Int, Sendable, CaseIterable {
  /// What the text itself has gone on with.
  case lookup
  /// What the namespace has.
  case continuations
  /// A second, smaller model.
  case model
  /// The model's own first layers: a quarter of them or as many as were asked for, half, three quarters.
  case earlyLayers, halfLayers, mostLayers

  package static let exits: [DraftSource] = [.earlyLayers, .halfLayers, .mostLayers]

  /// The place of one of `exits` among them. Counted, not searched for: a generic search makes the runtime
  /// allocate the array's type when it is first called, in the middle of a decode step.
  var exitPlace: Int { rawValue - DraftSource.earlyLayers.rawValue }

  /// Whether a draft takes passes of its own.
  var isComputed: Bool { rawValue >= DraftSource.model.rawValue }
}

/// What a draft's chances are told by: its source, and how many tokens it had in common with the text's
/// end, or, where it was computed, how sure who computed it was.
package struct DraftKind: Sendable, Hashable {
  package var source: DraftSource
  /// Below `slots`.
  private var slot: Int

  private static let slots = 5
  package static let count = DraftSource.allCases.count * slots
  /// From which probability on a computed token is of each level but the first.
  private static let bounds: [Float] = [0.4, 0.7, 0.9]

  package init(_ source: DraftSource, match: Int) {
    self.source = source
    slot = match - PromptLookup.shortest
  }

  /// All that is computed by `source`.
  package init(_ source: DraftSource) {
    self.source = source
    slot = Self.slots - 1
  }

  /// A token that was computed with so much probability.
  package init(_ source: DraftSource, probability: Float) {
    self.source = source
    slot = Self.bounds.count { $0 <= probability }
  }

  package init(number: Int) {
    source = DraftSource(rawValue: number / Self.slots)!
    slot = number % Self.slots
  }

  /// Below `count`.
  package var number: Int { source.rawValue * Self.slots + slot }

  /// What is assumed of it before it is seen, as if it had been right so often of so many times. What was
  /// said before is free, and has to show what it is worth. What is computed costs something also when it is
  /// only looked at, so that it is believed at first and for a while.
  var assumed: (right: Float, tried: Float) {
    guard source.isComputed else { return (0.25, 2) }
    let chances: [5 of Float] = [0.3, 0.55, 0.8, 0.95, 0.75]
    return (chances[slot] * Self.patience, Self.patience)
  }

  /// Tokens that what is assumed of a computed one, or an earlier reply has seen of it, counts for.
  static let patience: Float = 8
}
