/// Keeps a long run from overheating the machine without wasting it: a sample goes in, a decision
/// comes out, and nothing else is looked at.
///
/// It moves one level between 1 and a maximum; batch width and threads follow in proportion. Near the
/// limit the level falls by an eighth or a half; once the machine has been calm it rises by one at a
/// time, and slowly also below the limit while the temperature has room to settle. The level at which
/// it last became hot is remembered as a ceiling and tried again only after a while. Two changes of
/// direction are never nearer than the cool-down; what cannot wait for it is met with pauses. Unknown
/// temperatures hold the level; where there is no sensor at all the pace of the work is the guide.
package struct Governor: Sendable {
  /// The most a decision may say.
  package let maxWidth: Int
  package let maxThreads: Int
  package let options: ThermalOptions
  package private(set) var decision: GovernorDecision

  private let maxLevel: Int
  private var level: Int
  private var pause = 0.0
  private var pausedSince: Double?
  private var stopForbiddenUntil = -Double.infinity
  private var direction = 0
  private var lastIncrease = -Double.infinity
  private var lastDecrease = -Double.infinity
  private var lastChange = -Double.infinity
  private var ceiling: (level: Int, until: Double)?
  private var calmSince: Double?
  private var roomSince: Double?
  private var slowClockSince: Double?
  private var throttleCount: Int?
  private var lastTrouble = -Double.infinity
  private var driftPatience = 60.0
  private var temperature = TemperatureTrack()
  private var drift = DriftTrack()
  private var caches = CacheGovernor()

  package init(maxWidth: Int, maxThreads: Int, options: ThermalOptions = ThermalOptions()) {
    self.maxWidth = max(1, maxWidth)
    let threads = max(1, maxThreads)
    // Decoding waits for memory more than for arithmetic: half the threads lose little.
    self.maxThreads = options.mode == .efficiency ? (threads + 1) / 2 : threads
    self.options = options
    maxLevel = max(self.maxWidth, self.maxThreads)
    level = maxLevel
    decision = GovernorDecision(
      width: self.maxWidth, threads: self.maxThreads, pause: 0, cacheShare: 1, state: .full,
      reason: options.mode == .off ? .off : .start)
  }

  /// Degrees below the limit at which heat is met, 10 in balanced mode.
  private var margin: Double {
    switch options.mode {
    case .off, .performance: 8
    case .balanced: 10
    case .efficiency: 20
    }
  }

  /// What to do until the next sample.
  package mutating func decide(_ sample: Sample) -> GovernorDecision {
    guard options.mode != .off else { return decision }
    let before = (level: level, pause: pause)
    let evidence = observe(sample)
    act(on: evidence, at: sample.time)
    if (level, pause) != before {
      temperature.noteWorkChange()
      decide(because: evidence.reason)
    } else if let reason = caches.decide(sample.reading, at: sample.time) {
      // One reason for one change: the caches wait for a sample in which nothing else happens.
      decide(because: reason)
    } else {
      decision.reason = .steady
    }
    return decision
  }

  private mutating func decide(because reason: GovernorReason) {
    func part(_ maximum: Int) -> Int { (maximum * level + maxLevel - 1) / maxLevel }
    decision = GovernorDecision(
      width: part(maxWidth), threads: part(maxThreads), pause: pause, cacheShare: caches.share,
      state: pause > 0 ? .pausing : level < maxLevel ? .reduced : .full, reason: reason)
  }

  // MARK: - What a sample means

  /// From the best to the worst.
  private enum Severity: Int {
    /// Far below the limit.
    case calm
    /// Below where heat is met, with room for more.
    case room
    case hold
    case hot
    case severe
    /// So hot that work stops.
    case critical
  }

  private typealias Evidence = (severity: Severity, reason: GovernorReason)

  private mutating func observe(_ sample: Sample) -> Evidence {
    let time = sample.time
    temperature.note(sample.reading.temperature, limit: limit(of: sample.reading), at: time)
    drift.note(sample.unitCost, level: level, at: time)

    var evidence = heat(at: time)
    func worsen(_ other: Evidence) {
      if other.severity.rawValue > evidence.severity.rawValue { evidence = other }
    }
    if let count = sample.reading.throttleCount {
      // A counter that falls began again; that is no news.
      if let last = throttleCount, count > last {
        worsen((.severe, .throttled(times: count - last)))
        lastTrouble = time
      }
      throttleCount = count
    }
    // Where the machine is known to be cool, a slow clock is somebody's wish and not heat.
    let isBusy = (sample.busy ?? 0) > 0.8 && pause == 0
    if isBusy, let share = sample.reading.frequencyShare, share < 0.8, evidence.severity != .calm {
      slowClockSince = slowClockSince ?? time
      if time - (slowClockSince ?? time) >= 10 {
        worsen((.hot, .slowClock(share: share)))
        lastTrouble = time
      }
    } else {
      slowClockSince = nil
    }
    return evidence
  }

  /// The temperature that the run must not reach.
  private func limit(of reading: Reading) -> Double? {
    // Heat is met some degrees below the limit; the user's word is where it must never be.
    guard let limit = reading.limit else { return options.maxTemperature.map { $0 + margin / 2 } }
    return min(limit, options.maxTemperature.map { $0 + margin / 2 } ?? limit)
  }

  private mutating func heat(at time: Double) -> Evidence {
    guard let celsius = temperature.celsius, let limit = temperature.limit else {
      (calmSince, roomSince) = (nil, nil)
      return withoutTemperature(at: time)
    }
    let near = temperature.projected(15, window: 24) ?? celsius
    if let newest = temperature.newest, min(newest, near) >= limit - margin * 0.65 {
      (calmSince, roomSince) = (nil, nil)
      return (.critical, .hot(celsius: newest, limit: limit))
    }
    if near >= limit - margin {
      (calmSince, roomSince) = (nil, nil)
      let isSevere = near >= limit - margin * 0.8
      let later = temperature.projected(60, window: 30, falling: true) ?? celsius
      if !isSevere, later < limit - margin - 1 {
        return (.hold, .below(celsius: celsius, limit: limit))
      }
      return (isSevere ? .severe : .hot, .hot(celsius: celsius, limit: limit))
    }
    let settled = temperature.projected(120, window: 60) ?? celsius
    let hasRoom = max(near, settled) < limit - margin - 1
    roomSince = hasRoom ? roomSince ?? time : nil
    let isCalm = near < limit - 2 * margin
    calmSince = isCalm ? calmSince ?? time : nil
    if isCalm { return (.calm, .calm(celsius: celsius, limit: limit)) }
    return (hasRoom ? .room : .hold, .below(celsius: celsius, limit: limit))
  }

  private func withoutTemperature(at time: Double) -> Evidence {
    // A sensor that has just gone may be back at once; until then nothing moves.
    if let lost = temperature.lostSince, time - lost < 60 { return (.hold, .sensorLost) }
    if let share = drift.lasting(at: time) { return (.severe, .drift(share: share)) }
    return (.hold, .noDrift)
  }

  // MARK: - What to do about it

  private mutating func act(on evidence: Evidence, at time: Double) {
    endLongStop(at: time)
    switch evidence.severity {
    case .critical, .severe, .hot: retreat(evidence, at: time)
    case .hold:
      if temperature.celsius == nil {
        if temperature.lostSince.map({ time - $0 >= 60 }) ?? true { pause = 0 }
        recoverByPace(at: time)
      }
    case .room, .calm:
      pause = 0
      recoverByTemperature(evidence.severity, at: time)
    }
    if pause < 1 { pausedSince = nil }
  }

  private mutating func retreat(_ evidence: Evidence, at time: Double) {
    let isCritical = evidence.severity == .critical
    if isCritical, time >= stopForbiddenUntil {
      pause = 1
      pausedSince = pausedSince ?? time
    }
    // Width and threads follow the level coarsely: measured from the last step up, and not from the
    // last turn, the cool-down holds for each of them.
    let mayTurn = time - lastIncrease >= options.cooldown
    if level > 1, mayTurn {
      // The sensor needs some time to show what the last retreat did.
      let wait = evidence.severity == .hot ? 15.0 : 8.0
      guard time - lastDecrease >= wait else { return }
      if case .drift = evidence.reason { driftPatience = min(600, driftPatience * 2) }
      // Retreats in a row tell how far off the first level was, not where the right one is.
      if direction >= 0, time - lastChange >= 20 { ceiling = (level, time + 600) }
      level = evidence.severity == .hot ? level - max(1, level / 8) : level / 2
      direction = -1
      lastDecrease = time
      lastChange = time
    } else if case .drift = evidence.reason {
      // Idling does not help against somebody else's work.
    } else {
      pause = max(pause, 0.5)
    }
  }

  /// A stop of a minute that has not helped will not help; the hardware protects itself.
  private mutating func endLongStop(at time: Double) {
    guard pause == 1, let pausedSince, time - pausedSince >= 60 else { return }
    pause = 0.5
    self.pausedSince = nil
    stopForbiddenUntil = time + 60
  }

  private mutating func recoverByTemperature(_ severity: Severity, at time: Double) {
    guard mayRise(at: time) else { return }
    // When its time has passed, the ceiling itself may be tried again, and no more.
    let isBelowCeiling =
      ceiling.map { level + 1 < $0.level || (level + 1 == $0.level && time >= $0.until) } ?? true
    let settled = time - lastChange
    if severity == .calm, let calmSince, time - calmSince >= 30 {
      // Beyond the ceiling only when two minutes at this level have left the machine calm.
      if isBelowCeiling ? settled >= 5 : settled >= 120 { rise(at: time) }
    } else if let roomSince, time - roomSince >= 15, isBelowCeiling, settled >= 30 {
      rise(at: time)
    }
  }

  /// Without a temperature only work that keeps its pace is a reason to do more of it.
  private mutating func recoverByPace(at time: Double) {
    guard temperature.lostSince.map({ time - $0 >= 60 }) ?? true, mayRise(at: time),
      let steady = drift.steadySince, time - max(steady, lastChange) >= driftPatience
    else { return }
    rise(at: time)
    if level == maxLevel { driftPatience = 60 }
  }

  private func mayRise(at time: Double) -> Bool {
    level < maxLevel && time - lastDecrease >= options.cooldown && time - lastTrouble >= 30
  }

  private mutating func rise(at time: Double) {
    level += 1
    direction = 1
    lastIncrease = time
    lastChange = time
  }
}
