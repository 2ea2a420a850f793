/// What happens to requests, told between passes.
extension Scheduler {
  /// Takes a request in. Its id must not be that of another that has not ended.
  package mutating func submit(_ request: Request) -> SubmitAnswer {
    precondition(index[request.id] == nil, "Request \(request.id) has been submitted already.")
    precondition(
      request.promptRows >= 0 && request.blocks >= 0,
      "Request \(request.id) has \(request.promptRows) rows and \(request.blocks) blocks.")
    guard request.blocks <= blockBudget else { return .tooLarge(blocks: blockBudget) }
    guard queuedCount < limits.queue else { return .full(limit: limits.queue) }
    arrivals += 1
    let entry = Entry(
      id: request.id, account: namespaces.enter(request.namespace), priority: request.priority,
      phase: nil, rowsLeft: request.promptRows, expectedTokens: request.expectedTokens,
      blocks: request.blocks, deadline: request.deadline, hasDemand: request.hasDemand,
      arrival: arrivals,
      since: pass)
    let place: Int
    if let free = freePlaces.popLast() {
      place = free
      entries[place] = entry
    } else {
      place = entries.count
      entries.append(entry)
      chains.append([])
    }
    chains[place] = SharedPrefixes.chain(request.prefix)
    index[request.id] = place
    move(place, to: .queued)
    earliestDeadline = min(earliestDeadline, request.deadline ?? .max)
    return .queued
  }

  /// It has come to its end, has failed, or nobody wants it any more; it holds nothing now.
  package mutating func ended(_ id: UInt64) {
    if let place = index[id] { remove(place) }
  }

  /// Makes it more or less urgent. It waits anew, behind those of that priority.
  package mutating func setPriority(_ id: UInt64, to priority: Priority) {
    guard let place = index[id], entries[place].priority != priority else { return }
    removeFromList(place)
    entries[place].priority = priority
    // Idle ones count from when their demand went.
    if entries[place].hasDemand { entries[place].since = pass }
    appendToList(place)
  }

  /// Somebody waits for its next token, or nobody does.
  package mutating func setDemand(_ id: UInt64, to hasDemand: Bool) {
    guard let place = index[id], entries[place].hasDemand != hasDemand else { return }
    entries[place].hasDemand = hasDemand
    waitAnew(place)
  }

  /// The engine says whether it could be parked where it is now without changing its bits. Before it has
  /// said so, it may not.
  package mutating func setMayPark(_ id: UInt64, to mayPark: Bool) {
    if let place = index[id] { entries[place].mayPark = mayPark }
  }

  /// Rows of its prompt have been read.
  package mutating func prefilled(_ id: UInt64, rows: Int) {
    guard let place = index[id] else { return }
    precondition(
      (0...entries[place].rowsLeft).contains(rows),
      "\(rows) rows of request \(id) were read and \(entries[place].rowsLeft) were left.")
    entries[place].rowsLeft -= rows
    serve(place, rows)
  }

  /// A pass gave it tokens; with a draft there may be several.
  package mutating func token(_ id: UInt64, count: Int = 1) {
    precondition(count >= 0, "Request \(id) was given \(count) tokens.")
    guard let place = index[id] else { return }
    entries[place].generated += count
    serve(place, count)
  }

  private mutating func serve(_ place: Int, _ count: Int) {
    entries[place].served += count
    namespaces.serve(entries[place].account, count)
  }

  /// It is parked, and its blocks are free.
  package mutating func parked(_ id: UInt64) { finish(id, .parking, as: .parked) }

  /// It could not be parked; it goes on, and is not asked to again before the engine says that it may.
  package mutating func parkRefused(_ id: UInt64) {
    if let place = index[id] { entries[place].mayPark = false }
    finish(id, .parking, as: .running)
  }

  /// It is back.
  package mutating func resumed(_ id: UInt64) { finish(id, .resuming, as: .running) }

  private mutating func finish(_ id: UInt64, _ expected: RequestPhase, as next: RequestPhase) {
    guard let place = index[id] else { return }
    guard entries[place].phase == expected else {
      preconditionFailure("Request \(id) was not \(expected).")
    }
    move(place, to: next)
  }

  /// The governor allows another number of sequences in a pass, at least 1.
  package mutating func setWidth(_ width: Int) {
    precondition(width >= 1, "A pass decodes at least one sequence, not \(width).")
    self.width = width
  }
}
