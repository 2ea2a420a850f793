/// What goes into a pass.
extension Scheduler {
  // MARK: - Decoding

  mutating func decode(into plan: inout PassPlan) {
    // A row is left for a prompt, so that reading goes on however many decode.
    let most = min(width, limits.rows - (readers > 0 ? 1 : 0))
    var eldest = longestUnserved(.decoding)
    while plan.decode.count < most, let place = takeDue(of: &eldest, decodingTurn) {
      decodingTurn[entries[place].priority] = pass
      step(decoding: place, into: &plan)
    }
    // What is more urgent is read alone, in large chunks: then it is done soonest.
    let least = mostUrgentReader() ?? .background
    for priority in Priority.mostUrgentFirst where priority >= least {
      for place in begun[priority] {
        guard plan.decode.count < most else { return }
        guard entries[place].can(.decoding), entries[place].stepped != pass else { continue }
        step(decoding: place, into: &plan)
      }
    }
  }

  private mutating func step(decoding place: Int, into plan: inout PassPlan) {
    plan.decode.append(entries[place].id)
    noteStep(place)
  }

  // MARK: - Reading

  private func mostUrgentReader() -> Priority? {
    guard readers > 0 else { return nil }
    return Priority.mostUrgentFirst.first { priority in
      begun[priority].contains { entries[$0].can(.reading) }
    }
  }

  mutating func read(into plan: inout PassPlan) {
    guard readers > 0 else { return }
    let most =
      plan.decode.isEmpty ? limits.prefillRowsAlone : limits.prefillRowsBesideDecodes
    var rows = min(limits.rows - plan.decode.count, most)
    var eldest = longestUnserved(.reading)
    let due = takeDue(of: &eldest, readingTurn)
    guard let first = due ?? currentLeader() else { return }
    if let due {
      // Who leads because of its age does so for one pass.
      readingTurn[entries[due].priority] = pass
    } else {
      leader = entries[first].id
    }

    // A short question is not kept waiting by a book, and the book loses little by it.
    var second = nextReader(besides: first)
    if let other = second, entries[other].priority < entries[first].priority { second = nil }
    let share = second.map { min(rows / Self.secondReaderPart, entries[$0].rowsLeft) } ?? 0
    rows -= read(first, rows - share, into: &plan)
    if let second, rows > 0 { rows -= read(second, rows, into: &plan) }
    while rows > 0, let next = nextReader(besides: first) {
      rows -= read(next, rows, into: &plan)
    }
  }

  /// One part in so many of a chunk is the second prompt's.
  private static let secondReaderPart = 4

  /// - Returns: rows that it takes.
  private mutating func read(
    _ place: Int, _ most: Int, into plan: inout PassPlan
  ) -> Int {
    let rows = min(most, entries[place].rowsLeft)
    plan.prefill.append(PrefillShare(id: entries[place].id, rows: rows))
    noteStep(place)
    return rows
  }

  /// The prompt that is being read, unless a more urgent one has come; otherwise the first.
  private func currentLeader() -> Int? {
    let best = nextReader(besides: nil)
    guard let leader, let place = index[leader], entries[place].can(.reading),
      let best, entries[best].priority == entries[place].priority
    else { return best }
    return place
  }

  /// The most urgent prompt that this pass does not read yet, other than `other`: the one whose
  /// deadline is earliest, then the shortest, then the oldest.
  private func nextReader(besides other: Int?) -> Int? {
    func key(_ place: Int) -> (UInt64, Int, Int) {
      (entries[place].deadline ?? .max, entries[place].rowsLeft, entries[place].arrival)
    }
    for priority in Priority.mostUrgentFirst {
      var best: Int?
      for place in begun[priority]
      where entries[place].can(.reading) && entries[place].stepped != pass && place != other {
        if best.map({ key(place) < key($0) }) ?? true { best = place }
      }
      if let best { return best }
    }
    return nil
  }

  // MARK: - Age

  private mutating func noteStep(_ place: Int) {
    entries[place].stepped = pass
    entries[place].since = pass
  }

  /// Of each priority the one that has waited longest for a step of its role.
  private func longestUnserved(_ role: Role) -> ByPriority<Int?> {
    var eldest = ByPriority<Int?>(repeating: nil)
    for priority in Priority.mostUrgentFirst {
      eldest[priority] = begun[priority].first { entries[$0].can(role) }
    }
    return eldest
  }

  /// Takes out, of those that are due, the one that has waited longest.
  ///
  /// - Parameter turns: the passes in which a priority's longest waiting one last had its turn. One that has
  ///   had it just now has no second one, so that many that wait do not take everything together.
  func takeDue(of eldest: inout ByPriority<Int?>, _ turns: ByPriority<Int>) -> Int? {
    var due: Int?
    for priority in Priority.mostUrgentFirst {
      guard let place = eldest[priority],
        pass - max(turns[priority], entries[place].since) >= limits.ageing
      else { continue }
      if due.map({ entries[place].since < entries[$0].since }) ?? true { due = place }
    }
    if let due { eldest[entries[due].priority] = nil }
    return due
  }
}
