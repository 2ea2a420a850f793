internal import CKernels

#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Where the time of steps goes, module by module.
///
/// A step is open from `beginPass` to `endPass`, and at each moment one module is in progress: to begin the next
/// ends it, at the cost of one look at the clock. So all times sum to the steps', and nothing is counted twice.
/// What is begun while no step is open is not booked.
///
/// Everything is reserved in `init`; to note something allocates nothing and takes no lock. Not thread-safe: the
/// thread that runs the passes owns it.
@safe
package final class PassProfile {
  /// Sums over all passes of a phase.
  private struct Phase {
    var passes = 0
    /// Tokens of prompts, and of those that were generated or guessed.
    var rowsRead = 0
    var rowsDecoded = 0
    var time: UInt64 = 0
  }

  private struct Sum {
    var time: UInt64 = 0
    var calls = 0
    var bytes = 0
    var operations = 0
  }

  private struct State {
    /// Whether a pass is open, and what is begun is booked.
    var listens = false
    var isOpen = false
    var phase = ProfilePhase.decode
    var module = ProfileModule.other
    /// The layer in progress; -1: none.
    var layer = -1
    /// The layer in which the module in progress has begun.
    var layerOfModule = -1
    /// The step's rows.
    var read = 0
    var decoded = 0
    /// Nanoseconds of the clock.
    var passBegan: UInt64 = 0
    var began: UInt64 = 0
    var first: UInt64 = 0
    var last: UInt64 = 0
    /// What one layer's attention reads and computes in this pass, once that is known.
    var view = ModuleWork()
    var isViewKnown = false
  }

  private static let modules = ProfileModule.allCases.count

  private let model: LanguageModel
  private let layout: KVLayout
  private let promptsHaveTiles: Bool
  private let arena: Arena
  private let state: UnsafeMutablePointer<State>
  private let phases: UnsafeMutablePointer<Phase>  // [phases]
  private let sums: UnsafeMutablePointer<Sum>  // [phases][modules]
  /// [layers + 1][modules], the first for no layer.
  private let work: UnsafeMutablePointer<ModuleWork>
  private var record: TraceRecord?

  /// - Parameters:
  ///   - promptsHaveTiles: whether prompts are multiplied as floats, whatever the weights are.
  ///   - slices: of a trace, the latest that are kept; 0: there is none.
  package init(
    model: LanguageModel, layout: KVLayout, promptsHaveTiles: Bool = false, slices: Int = 0
  ) throws(ModelError) {
    self.model = model
    self.promptsHaveTiles = promptsHaveTiles
    self.layout = layout
    let (modules, phaseCount) = (Self.modules, ProfilePhase.allCases.count)
    let layers = model.layers.count
    var cursor = ArenaCursor()
    let stateAt = cursor.take(MemoryLayout<State>.stride)
    let phasesAt = cursor.take(phaseCount * MemoryLayout<Phase>.stride)
    let sumsAt = cursor.take(phaseCount * modules * MemoryLayout<Sum>.stride)
    let workAt = cursor.take((layers + 1) * modules * MemoryLayout<ModuleWork>.stride)
    arena = try Arena(byteCount: cursor.byteCount)
    unsafe state = (arena.base + stateAt).bindMemory(to: State.self, capacity: 1)
    unsafe phases = (arena.base + phasesAt).bindMemory(to: Phase.self, capacity: phaseCount)
    unsafe sums = (arena.base + sumsAt).bindMemory(to: Sum.self, capacity: phaseCount * modules)
    unsafe work = (arena.base + workAt).bindMemory(
      to: ModuleWork.self, capacity: (layers + 1) * modules)
    record = slices > 0 ? try TraceRecord(slices: slices) : nil
    for layer in -1..<layers {
      for module in ProfileModule.allCases {
        let place = (layer + 1) * modules + module.rawValue
        unsafe (work + place).initialize(
          to: ModuleWork(module, of: layer < 0 ? nil : model.layers[layer], in: model, layout))
      }
    }
    reset()
  }

  /// Forgets what was noted. Not while a pass is open.
  package func reset() {
    unsafe state.initialize(to: State())
    unsafe phases.initialize(repeating: Phase(), count: ProfilePhase.allCases.count)
    unsafe sums.initialize(repeating: Sum(), count: ProfilePhase.allCases.count * Self.modules)
    record?.removeAll()
  }

  /// The clock's nanoseconds.
  package static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  // MARK: - Steps

  /// A step begins.
  package func beginPass(_ phase: ProfilePhase, at now: UInt64 = PassProfile.now) {
    unsafe state.pointee.phase = phase
    unsafe state.pointee.module = .other
    unsafe state.pointee.layer = -1
    unsafe state.pointee.read = 0
    unsafe state.pointee.decoded = 0
    unsafe state.pointee.isViewKnown = false
    unsafe state.pointee.passBegan = now
    unsafe state.pointee.began = now
    if unsafe state.pointee.first == 0 { unsafe state.pointee.first = now }
    unsafe state.pointee.isOpen = true
    unsafe state.pointee.listens = true
    unsafe noteWork(.other, rows: 0)
  }

  /// Says what the step in progress is made of: so many tokens of prompts, and others.
  package func noteRows(read: Int, decoded: Int) {
    unsafe state.pointee.read = read
    unsafe state.pointee.decoded = decoded
  }

  /// A step ends.
  package func endPass(at now: UInt64 = PassProfile.now) {
    guard unsafe state.pointee.isOpen else { return }
    unsafe close(at: now)
    unsafe state.pointee.isOpen = false
    unsafe state.pointee.listens = false
    unsafe state.pointee.last = now
    let (began, phase) = unsafe (state.pointee.passBegan, state.pointee.phase)
    let (read, decoded) = unsafe (state.pointee.read, state.pointee.decoded)
    unsafe phases[phase.rawValue].passes += 1
    unsafe phases[phase.rawValue].rowsRead += read
    unsafe phases[phase.rawValue].rowsDecoded += decoded
    unsafe phases[phase.rawValue].time += now - began
    record?.append(
      TraceRecord.Pass(
        began: began, ended: now, phase: UInt8(phase.rawValue), read: Int32(clamping: read),
        decoded: Int32(clamping: decoded)))
  }

  /// Books all that follows to one module, until `release`.
  package func hold(_ module: ProfileModule) {
    begin(module)
    unsafe state.pointee.listens = false
  }

  /// Ends what `hold` began.
  package func release() {
    unsafe state.pointee.listens = state.pointee.isOpen
    begin(.other)
  }

  // MARK: - Modules

  /// What follows is of a layer; of none, -1.
  func enter(layer: Int) { unsafe state.pointee.layer = layer }

  /// Begins a module with so many rows. One that is in progress goes on.
  package func begin(_ module: ProfileModule, rows: Int = 0) {
    guard unsafe state.pointee.listens && state.pointee.module != module else { return }
    begin(module, rows: rows, at: Self.now)
  }

  /// The same at a given time.
  package func begin(_ module: ProfileModule, rows: Int = 0, at now: UInt64) {
    unsafe close(at: now)
    unsafe state.pointee.began = now
    unsafe state.pointee.module = module
    unsafe noteWork(module, rows: rows)
  }

  /// Begins the attention of a step's rows.
  ///
  /// - Parameter isOfLayer: whether each layer sees something else.
  func beginAttention(_ step: Step, isOfLayer: Bool) {
    guard unsafe state.pointee.listens else { return }
    begin(.attention)
    if unsafe isOfLayer || !state.pointee.isViewKnown {
      unsafe state.pointee.view = view(of: step)
      unsafe state.pointee.isViewKnown = true
    }
    let place = unsafe place(of: .attention)
    unsafe sums[place].bytes += state.pointee.view.bytesPerCall
    unsafe sums[place].operations += state.pointee.view.operationsPerRow
  }

  @unsafe
  private func place(of module: ProfileModule) -> Int {
    unsafe state.pointee.phase.rawValue * Self.modules + module.rawValue
  }

  /// Books the time until now to the module in progress.
  @unsafe
  private func close(at now: UInt64) {
    let (began, module) = unsafe (state.pointee.began, state.pointee.module)
    unsafe sums[place(of: module)].time += now - began
    record?.append(
      TraceRecord.Slice(
        began: began, duration: now - began, module: UInt8(module.rawValue),
        layer: unsafe Int16(clamping: state.pointee.layerOfModule)))
  }

  @unsafe
  private func noteWork(_ module: ProfileModule, rows: Int) {
    unsafe state.pointee.layerOfModule = state.pointee.layer
    let one = unsafe work[(state.pointee.layer + 1) * Self.modules + module.rawValue]
    let place = unsafe place(of: module)
    unsafe sums[place].calls += 1
    unsafe sums[place].bytes += one.bytesPerCall + rows * one.bytesPerRow
    unsafe sums[place].operations += rows * one.operationsPerRow
  }

  /// What a layer's attention reads and computes: each run its view once, and each row what it sees of it.
  private func view(of step: Step) -> ModuleWork {
    var (tokens, seen) = (0, 0)
    for index in 0..<step.runCount {
      let run = unsafe step.runs[index]
      for place in Int(run.span)..<Int(run.span + run.spans) {
        let span = unsafe step.spans[place]
        let count = unsafe Int(span.count - span.first)
        guard count > 0 else { continue }
        let before = unsafe Int(run.position - span.start - span.first)
        let visible =
          Self.seen(through: before + Int(run.rows), of: count)
          - Self.seen(through: before, of: count)
        seen += visible
        if visible > 0 { tokens += min(count, before + Int(run.rows)) }
      }
    }
    let shape = model.shape
    var view = ModuleWork()
    view.bytesPerCall = tokens * layout.layerByteCount / layout.blockLength
    view.operationsPerRow = 4 * shape.heads * shape.headDimension * seen
    return view
  }

  /// Of a span of `count` tokens, those that queries at its places up to and without `end` see together: one at
  /// place i sees the first i + 1.
  package static func seen(through end: Int, of count: Int) -> Int {
    let partly = max(0, min(end, count))
    return partly * (partly + 1) / 2 + max(0, end - count) * count
  }

  // MARK: - What came of it

  /// Sums of all passes that have ended.
  package var profile: RunProfile {
    let phases = ProfilePhase.allCases.compactMap { phase -> RunProfile.Phase? in
      let sum = unsafe self.phases[phase.rawValue]
      guard sum.passes > 0 else { return nil }
      let modules = ProfileModule.allCases.map { module in
        let sum = unsafe sums[phase.rawValue * Self.modules + module.rawValue]
        return RunProfile.Module(
          module: module, calls: sum.calls, time: .nanoseconds(Int64(clamping: sum.time)),
          bytes: sum.bytes, operations: sum.operations,
          isOfIntegers: isOfIntegers(module, in: phase)
        )
      }
      return RunProfile.Phase(
        phase: phase, passes: sum.passes, rowsRead: sum.rowsRead, rowsDecoded: sum.rowsDecoded,
        time: .nanoseconds(Int64(clamping: sum.time)), modules: modules)
    }
    let elapsed = unsafe state.pointee.last - min(state.pointee.first, state.pointee.last)
    return RunProfile(phases: phases, elapsed: .nanoseconds(Int64(clamping: elapsed)))
  }

  /// Whether a module's products are of bytes: those of a pass are as most of its rows.
  private func isOfIntegers(_ module: ProfileModule, in phase: ProfilePhase) -> Bool? {
    let isOfBytes = module.isOfIntegers(in: model)
    // The vocabulary's scores are those of a token to come.
    guard promptsHaveTiles, phase != .decode, module != .head else { return isOfBytes }
    return isOfBytes.map { _ in false }
  }

  /// The latest slices; nil where none are kept.
  package var trace: PassTrace? { record?.trace }
}
