/// Continuous batching as a pure value: requests join and leave between passes, and before each pass
/// the plan says what goes into it.
///
/// Whoever computes owns one, tells it what happens, and asks for a plan; it has no clock, no threads
/// and no randomness. The rules, in order (docs/scheduling.md has them with their bounds):
///
/// 1. **Deadlines.** What is past its deadline is told and forgotten, not run.
/// 2. **Budget.** A request begins only when all blocks that it may come to hold are free.
/// 3. **Age.** The request that has waited longest in its priority is *due* after `ageing` passes, and
///    then goes before everything: for beginning, for reading and for decoding alike. One of
///    each priority at a time, so that a backlog does not turn priorities round.
/// 4. **Priority.** More urgent ones begin, read and decode first. Nothing begins that is less urgent
///    than a request that waits for room.
/// 5. **Preemption.** A request that finds no room parks less urgent ones, the least urgent and most
///    recently begun first, at places where the engine allows it.
/// 6. **Among equals** the earliest deadline begins first, then what had begun, then the longest prefix
///    shared with those that hold blocks, then the expected length most like theirs, then the
///    namespace that has been served least, then the shorter prompt (in powers of two), then age.
/// 7. **Reading.** One prompt at a time gets at least three quarters of the chunk until it has been read,
///    or a more urgent one comes; the shortest other one of its priority gets a quarter.
/// 8. **Decoding** goes round among equals when the width is less than what is ready.
///
/// Without demand, a request is not begun, resumed, read or decoded. It keeps its place for
/// `idlePatience` passes; after that, its place is free and its blocks are for whoever needs them.
///
/// An event for a request that is gone is ignored: it may have ended while it was in a pass, or moved.
///
/// Invariants, which `violations()` recounts:
///
/// - `heldBlocks` is the sum over running, parking and resuming requests, and never exceeds `blockBudget`.
/// - A request is in exactly one list, that of its priority, by its phase: queues or begun.
/// - Within a list, requests of the same role that are ready are ordered by the pass since which they wait.
package struct Scheduler: Sendable {
  package let limits: SchedulerLimits
  /// Sequences that are decoded in a pass at most.
  package internal(set) var width: Int
  /// Blocks that may be held.
  package let blockBudget: Int
  /// Blocks that are set aside for requests that have begun and are not parked.
  package internal(set) var heldBlocks = 0
  /// Plans that have been made.
  package internal(set) var pass = 0

  // Requests, in a table whose places are used again.
  var entries: [Entry] = []
  /// The prefixes of `entries`, as `SharedPrefixes.chain` has them.
  var chains: [[UInt64]] = []
  var freePlaces: [Int] = []
  var index: [UInt64: Int] = [:]
  /// Queued and parked ones, the longest waiting first.
  var queues = ByPriority<[Int]>(repeating: [])
  /// Running, parking and resuming ones, the longest unserved first.
  var begun = ByPriority<[Int]>(repeating: [])

  var queuedCount = 0
  var parkingBlocks = 0
  var movingCount = 0
  var arrivals = 0
  var beginnings = 0
  /// Places that have become free so far.
  var departures = 0
  /// No deadline is earlier.
  var earliestDeadline = UInt64.max
  var namespaces = NamespaceAccounts()
  var prefixes = SharedPrefixes()

  /// The prompt that gets most of the chunk.
  var leader: UInt64?
  /// The pass in which the longest waiting request of a priority last had its turn: to begin, because of
  /// its age or not; to read or decode, because of its age.
  var beginningTurn = ByPriority(repeating: 0)
  var readingTurn = ByPriority(repeating: 0)
  var decodingTurn = ByPriority(repeating: 0)
  /// The one that is due to begin, and how many had departed when it became so.
  var due = ByPriority<Due?>(repeating: nil)

  // What a look at all begun ones has found, in each plan.
  /// Requests that have a place.
  var active = ByPriority(repeating: 0)
  /// Blocks of idle ones that may not be parked: nobody can count on them.
  var stuckBlocks = 0
  /// Nobody who has begun wants anything.
  var isQuiet = true
  /// Prompts that can be read on.
  var readers = 0

  // Storage of one plan, kept for the next.
  var scratch: [Int] = []

  struct Due: Sendable, Equatable {
    var id: UInt64
    var departures: Int
  }

  /// - Parameters:
  ///   - width: sequences in a pass, at least 1.
  ///   - blockBudget: blocks that may be held.
  package init(width: Int, blockBudget: Int, limits: SchedulerLimits = SchedulerLimits()) {
    limits.check()
    precondition(width >= 1, "A pass decodes at least one sequence, not \(width).")
    precondition(blockBudget >= 0, "A budget of \(blockBudget) blocks is negative.")
    self.limits = limits
    self.width = width
    self.blockBudget = blockBudget
  }

  // MARK: - Looking

  package func phase(of id: UInt64) -> RequestPhase? { index[id].flatMap { entries[$0].phase } }

  /// The earliest deadline of any request, so that who sleeps knows when to ask again; nil: none.
  package var nextDeadline: UInt64? { earliestDeadline == .max ? nil : earliestDeadline }

  var freeBlocks: Int { blockBudget - heldBlocks }
}
