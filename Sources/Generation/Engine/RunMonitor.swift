internal import Hardware
internal import Synchronization

/// Watches the machine once a second while replies are made, and lets the governor set their pace.
final class RunMonitor: Sendable {
  private struct State: Sendable {
    var governor: Governor
    var replies = 0
    var watch: Task<Void, Never>?
    var begun = 0.0
    var lastTime = 0.0
    var lastWork = Pace.Work()
    var firstThrottleCount: Int?
    var conditions: RunConditions
    /// Degrees Celsius, at the latest reading.
    var temperature: Double?
  }

  let pace: Pace
  private let sensors: SensorReader
  private let options: ThermalOptions
  private let report: @Sendable (_ change: String) -> Void
  private let adapt: @Sendable (_ cacheShare: Double) -> Void
  private let origin = ContinuousClock.now
  private let state: Mutex<State>

  /// - Parameters:
  ///   - report: called for each change of the governor's mind, from a task of the monitor's.
  ///   - adapt: called when caches are to have another share of their budgets, 0...1.
  init(
    sensors: SensorReader, pace: Pace, governor: Governor,
    report: @escaping @Sendable (String) -> Void,
    adapt: @escaping @Sendable (_ cacheShare: Double) -> Void = { _ in }
  ) {
    self.adapt = adapt
    (self.sensors, self.pace, self.report) = (sensors, pace, report)
    options = governor.options
    state = Mutex(
      State(governor: governor, conditions: RunConditions(mode: governor.options.mode)))
    pace.set(threads: governor.decision.threads, pause: 0)
  }

  /// Sequences that may be decoded together now.
  var width: Int { state.withLock { $0.governor.decision.width } }

  var temperature: Double? { state.withLock { $0.temperature } }

  private var now: Double { (ContinuousClock.now - origin) / .seconds(1) }

  /// A reply begins.
  func begin() {
    let (time, work) = (now, pace.work)
    state.withLock { state in
      state.replies += 1
      guard state.replies == 1 else { return }
      (state.begun, state.lastTime, state.lastWork) = (time, time, work)
      state.conditions = RunConditions(mode: options.mode)
      state.firstThrottleCount = nil
      state.watch = Task { [weak self] in
        while !Task.isCancelled, let self {
          step()
          do { try await Task.sleep(for: .seconds(1)) } catch { return }
        }
      }
    }
  }

  /// A reply ends. What it was like until now.
  func end() -> RunConditions {
    let (time, work) = (now, pace.work)
    return state.withLock { state in
      Self.account(&state, time: time, work: work)
      state.replies -= 1
      if state.replies == 0 {
        state.watch?.cancel()
        state.watch = nil
      }
      return state.conditions
    }
  }

  /// Books what was done since the last time under the state that the governor was in.
  private static func account(_ state: inout State, time: Double, work: Pace.Work) {
    state.conditions.spend(
      time - state.lastTime, tokens: work.tokens - state.lastWork.tokens,
      in: state.governor.decision.state)
    (state.lastTime, state.lastWork) = (time, work)
  }

  private func step() {
    let reading = sensors.read()
    let (time, work) = (now, pace.work)
    let (change, cacheShare): (String?, Double?) = state.withLock { state in
      guard state.replies > 0 else { return (nil, nil) }
      let (elapsed, last) = (time - state.lastTime, state.lastWork)
      state.conditions.note(reading)
      state.temperature = reading.temperature
      if let count = reading.throttleCount {
        let first = state.firstThrottleCount ?? count
        state.firstThrottleCount = first
        state.conditions.throttleCount = max(0, count - first)
      }
      Self.account(&state, time: time, work: work)
      let bytes = work.bytes - last.bytes
      let before = state.governor.decision
      let decision = state.governor.decide(
        Sample(
          time: time, reading: reading,
          busy: elapsed > 0 ? min(1, (work.busy - last.busy) / elapsed) : nil,
          unitCost: bytes > 0 ? (work.decode - last.decode) / bytes : nil))
      let change = GovernorChange(time: time, from: before, to: decision)
      pace.set(threads: decision.threads, pause: decision.pause)
      let cacheShare = before.cacheShare == decision.cacheShare ? nil : decision.cacheShare
      guard !change.isEmpty else { return (nil, cacheShare) }
      state.conditions.changes.append(
        RunConditions.Change(seconds: time - state.begun, description: change.description))
      return (change.description, cacheShare)
    }
    if let cacheShare { adapt(cacheShare) }
    if let change { report(change) }
  }
}
