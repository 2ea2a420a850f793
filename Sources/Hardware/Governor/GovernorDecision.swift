/// What a run should do until the next sample.
package struct GovernorDecision: Sendable, Equatable {
  /// Sequences to decode together.
  package var width: Int
  /// Compute threads.
  package var threads: Int
  /// Share of the time to stay idle between steps, 0 to 1; 1 stops the work.
  package var pause: Double
  /// Share of the caches' budgets that may be used.
  package var cacheShare: Double
  package var state: GovernorState
  /// Why it is so; a change of any part comes with its reason.
  package var reason: GovernorReason
}

/// What a governor is doing.
public enum GovernorState: String, Sendable, Codable, CaseIterable {
  /// All that is allowed.
  case full
  /// Less than all, because of heat, throttling or drift, and waiting or recovering.
  case reduced
  /// Idling part of the time or all of it, to cool down.
  case pausing
}

/// Why a decision is as it is.
package enum GovernorReason: Sendable, Equatable, CustomStringConvertible {
  case start
  case off
  /// Nothing to change.
  case steady
  case hot(celsius: Double, limit: Double)
  case throttled(times: Int)
  case slowClock(share: Double)
  case drift(share: Double)
  case calm(celsius: Double, limit: Double)
  case noDrift
  case below(celsius: Double, limit: Double)
  case sensorLost
  case memoryShort(left: Double?, pressure: Double?)
  case memoryEased

  package var description: String {
    switch self {
    case .start: "the run begins"
    case .off: "the governor is off"
    case .steady: "nothing changed"
    case .hot(let celsius, let limit):
      "\(Self.degrees(celsius)) and the limit is \(Self.degrees(limit))"
    case .throttled(let times): "the hardware throttled \(times == 1 ? "once" : "\(times) times")"
    case .slowClock(let share): "the clock is at \(Self.percent(share)) of what it should be"
    case .drift(let share): "the same work takes \(Self.percent(share)) longer than it did"
    case .calm(let celsius, _): "calm at \(Self.degrees(celsius))"
    case .noDrift: "the work has kept its pace"
    case .below(let celsius, let limit):
      "steady at \(Self.degrees(celsius)), \(Self.degrees(limit - celsius)) below the limit"
    case .sensorLost: "the temperature is no longer known"
    case .memoryShort(let left, let pressure):
      [
        left.map { "\(Self.percent($0)) of the memory is left" },
        pressure.map { "tasks waited \(shortest($0))% of the time for memory" },
      ].compactMap(\.self).joined(separator: ", ")
    case .memoryEased: "memory is plentiful again"
    }
  }

  private static func degrees(_ celsius: Double) -> String {
    "\(shortest((celsius * 10).rounded() / 10)) °C"
  }
  private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }
}

/// A decision that differs from the one before.
package struct GovernorChange: Sendable, Equatable {
  package var time: Double
  package var from: GovernorDecision
  package var to: GovernorDecision

  package init(time: Double, from: GovernorDecision, to: GovernorDecision) {
    self.time = time
    self.from = from
    self.to = to
  }

  /// Whether nothing but the reason differs.
  package var isEmpty: Bool {
    from.width == to.width && from.threads == to.threads && from.pause == to.pause
      && from.cacheShare == to.cacheShare
  }

  /// What changed and why, as one line: `width 8 to 4, threads 4 to 2: 91 °C and the limit is 100 °C`.
  package var description: String {
    var parts: [String] = []
    if from.width != to.width { parts.append("width \(from.width) to \(to.width)") }
    if from.threads != to.threads { parts.append("threads \(from.threads) to \(to.threads)") }
    if from.pause != to.pause {
      parts.append(
        to.pause == 0
          ? "no more pauses" : to.pause == 1 ? "stops" : "idles \(Int(to.pause * 100))% of the time"
      )
    }
    if from.cacheShare != to.cacheShare {
      parts.append("caches to \(Int((to.cacheShare * 100).rounded()))%")
    }
    return "\(parts.joined(separator: ", ")): \(to.reason)"
  }
}
