/// What the scheduler has to know of a request.
package struct Request: Sendable {
  /// Unlike that of any other request that has not ended.
  package var id: UInt64
  /// Whose it is: among equals, namespaces get the same number of tokens.
  package var namespace: UInt64
  package var priority: Priority
  /// Rows of the prompt that are still to be read; 0 if all of it is kept already.
  package var promptRows: Int
  /// Tokens that will probably be generated; nil: unknown.
  package var expectedTokens: Int?
  /// KV blocks that it may come to hold at most. All of them are set aside before it begins.
  package var blocks: Int
  /// A hash for each whole block of its prompt, in order: who shares a prefix shares its hashes.
  package var prefix: [UInt64]
  /// The time after which nobody wants it any more, in nanoseconds of the clock that `plan(at:into:)` is told;
  /// nil: never.
  package var deadline: UInt64?
  /// Whether somebody waits for its next token. Without demand nothing is read or generated.
  package var hasDemand: Bool

  package init(
    id: UInt64, namespace: UInt64 = 0, priority: Priority = .normal, promptRows: Int,
    expectedTokens: Int? = nil, blocks: Int, prefix: [UInt64] = [], deadline: UInt64? = nil,
    hasDemand: Bool = true
  ) {
    self.id = id
    self.namespace = namespace
    self.priority = priority
    self.promptRows = promptRows
    self.expectedTokens = expectedTokens
    self.blocks = blocks
    self.prefix = prefix
    self.deadline = deadline
    self.hasDemand = hasDemand
  }
}

/// Where a request stands.
package enum RequestPhase: Sendable, Hashable {
  /// Has not begun and holds nothing.
  case queued
  /// Holds its blocks; reads its prompt or decodes.
  case running
  /// On its way out; holds its blocks until that is done.
  case parking
  /// Has begun and holds nothing.
  case parked
  /// On its way back; its blocks are set aside.
  case resuming

  var holdsBlocks: Bool { self == .running || self == .parking || self == .resuming }
  var isMoving: Bool { self == .parking || self == .resuming }
}

/// What became of a submission: now, later, or never.
package enum SubmitAnswer: Sendable, Hashable {
  case queued
  /// As many requests wait as may; it may be submitted again later.
  case full(limit: Int)
  /// It needs more blocks than there are.
  case tooLarge(blocks: Int)
}
