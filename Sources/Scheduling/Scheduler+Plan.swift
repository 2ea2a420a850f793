extension Scheduler {
  /// What to do before the next pass and in it. The scheduler takes it as being done.
  ///
  /// - Parameters:
  ///   - now: nanoseconds of the clock by which deadlines are given.
  ///   - plan: is overwritten; keep it from pass to pass, and nothing is allocated while the same
  ///     requests decode.
  package mutating func plan(at now: UInt64, into plan: inout PassPlan) {
    plan.removeAll()
    pass += 1
    if now >= earliestDeadline { expire(at: now, into: &plan) }
    survey()
    beginWaiting(into: &plan)
    decode(into: &plan)
    read(into: &plan)
    for priority in Priority.mostUrgentFirst { rotate(priority) }
  }

  /// Forgets what is past its deadline. What is being moved is told after that.
  private mutating func expire(at now: UInt64, into plan: inout PassPlan) {
    earliestDeadline = .max
    for place in entries.indices {
      guard let phase = entries[place].phase, let deadline = entries[place].deadline else {
        continue
      }
      if deadline <= now, !phase.isMoving {
        plan.expired.append(entries[place].id)
        remove(place)
      } else {
        earliestDeadline = min(earliestDeadline, deadline)
      }
    }
  }

  /// Looks at all that have begun: who has a place, who is idle.
  private mutating func survey() {
    active = ByPriority(repeating: 0)
    (stuckBlocks, readers) = (0, 0)
    isQuiet = movingCount == 0
    for priority in Priority.mostUrgentFirst where isQuiet {
      isQuiet = begun[priority].allSatisfy { !entries[$0].hasDemand }
    }
    for priority in Priority.mostUrgentFirst {
      for place in begun[priority] {
        switch entries[place].phase {
        case .resuming: active[priority] += 1
        case .running:
          let isLongIdle =
            !entries[place].hasDemand && pass - entries[place].since >= limits.idlePatience
          if isLongIdle, !entries[place].isLongIdle { departures += 1 }
          entries[place].isLongIdle = isLongIdle
          if entries[place].can(.reading) { readers += 1 }
          if !isIdle(entries[place]) {
            active[priority] += 1
          } else if !entries[place].mayPark {
            stuckBlocks += entries[place].blocks
          }
        default: break
        }
      }
    }
  }

  /// Whether it has no demand, and has kept its place long enough; at once where nothing else goes on.
  func isIdle(_ entry: Entry) -> Bool {
    entry.phase == .running && !entry.hasDemand && (entry.isLongIdle || isQuiet)
  }

  /// Moves those that this pass serves behind those of their list that it does not.
  private mutating func rotate(_ priority: Priority) {
    scratch.removeAll(keepingCapacity: true)
    var kept = 0
    for position in begun[priority].indices {
      let place = begun[priority][position]
      if entries[place].stepped == pass {
        scratch.append(place)
      } else {
        begun[priority][kept] = place
        kept += 1
      }
    }
    for place in scratch {
      begun[priority][kept] = place
      kept += 1
    }
  }
}
