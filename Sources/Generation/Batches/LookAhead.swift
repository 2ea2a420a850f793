/// The prompts that are next in a batch, of which the best one to begin is chosen.
///
/// Prompts with equal beginnings are begun one after the other, and what they have in common is read before
/// the first of them: the rest find it in memory. The order, most important first:
///
/// 1. What has been passed over as often as the window is long.
/// 2. The more urgent one.
/// 3. The longest beginning in common with the one that was begun last.
/// 4. The one that came first.
///
/// A pure value: it neither reads nor waits.
package struct LookAhead<Job> {
  package enum Step {
    /// Read the first blocks of this job's prompt, then say ``didRead(_:)``; the job stays.
    case read(Job, PromptBeginning)
    /// The job is yours.
    case begin(Job)
  }

  private struct Entry {
    var job: Job
    var beginning: PromptBeginning
    var priority: Int
    /// How often a later one was begun.
    var passedOver = 0
  }

  /// The most jobs that are looked at.
  package let capacity: Int
  /// Blocks that must be saved for a beginning to be read by itself: that is a pass of its own.
  package static var worthwhile: Int { 2 }
  /// Beginnings that are remembered; then all are forgotten, which costs a look into memory for each.
  private static var mostKnown: Int { 1 << 16 }

  /// In the order in which they came.
  private var entries: [Entry] = []
  /// How many of them have each beginning.
  private var counts: [UInt64: Int] = [:]
  private var isRead: Set<UInt64> = []
  private var isBeingRead: Set<UInt64> = []
  private var last = PromptBeginning(blocks: [])

  package init(capacity: Int) { self.capacity = capacity }

  package var count: Int { entries.count }
  package var isEmpty: Bool { entries.isEmpty }
  package var hasRoom: Bool { entries.count < capacity }

  /// - Parameter priority: more urgent is greater.
  package mutating func add(_ job: Job, _ beginning: PromptBeginning, priority: Int) {
    precondition(hasRoom, "the window holds \(capacity) jobs")
    entries.append(Entry(job: job, beginning: beginning, priority: priority))
    for block in beginning.blocks { counts[block, default: 0] += 1 }
  }

  /// What to do next; nil when there is nothing, or all of it waits for beginnings to be read.
  package mutating func next() -> Step? {
    for place in order() {
      let entry = entries[place]
      let blocks = entry.beginning.blocks
      if blocks.contains(where: isBeingRead.contains) { continue }
      let known = blocks.prefix { isRead.contains($0) }.count
      let common = blocks.prefix { counts[$0]! > 1 }.count
      if common > known {
        let saved = blocks[known..<common].reduce(0) { $0 + counts[$1]! - 1 }
        if saved >= Self.worthwhile {
          let beginning = PromptBeginning(blocks: Array(blocks[..<common]))
          isBeingRead.formUnion(beginning.blocks[known...])
          return .read(entry.job, beginning)
        }
      }
      remove(place)
      return .begin(entry.job)
    }
    return nil
  }

  /// A beginning that ``next()`` asked for is in memory, or will not come: who waited goes on.
  package mutating func didRead(_ beginning: PromptBeginning) {
    if isRead.count > Self.mostKnown { isRead.removeAll() }
    isBeingRead.subtract(beginning.blocks)
    isRead.formUnion(beginning.blocks)
  }

  /// Places by the order of the type's documentation.
  private func order() -> [Int] {
    let ranks = entries.map { entry in
      (
        isDue: entry.passedOver >= capacity, priority: entry.priority,
        common: entry.beginning.common(with: last)
      )
    }
    return entries.indices.sorted { one, other in
      let (a, b) = (ranks[one], ranks[other])
      if a.isDue != b.isDue { return a.isDue }
      if a.isDue { return one < other }
      if a.priority != b.priority { return a.priority > b.priority }
      if a.common != b.common { return a.common > b.common }
      return one < other
    }
  }

  private mutating func remove(_ place: Int) {
    let entry = entries.remove(at: place)
    for earlier in 0..<place { entries[earlier].passedOver += 1 }
    last = entry.beginning
    for block in entry.beginning.blocks {
      let count = counts[block]!
      counts[block] = count > 1 ? count - 1 : nil
    }
  }
}
