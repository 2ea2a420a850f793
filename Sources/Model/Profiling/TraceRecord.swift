/// The latest slices of time and the latest passes, each in a ring that is reserved once.
@safe
struct TraceRecord {
  /// A module in progress.
  struct Slice {
    /// Nanoseconds of the clock.
    var began: UInt64
    var duration: UInt64
    var module: UInt8
    /// -1: none.
    var layer: Int16
  }

  struct Pass {
    var began: UInt64
    var ended: UInt64
    var phase: UInt8
    var read: Int32
    var decoded: Int32
  }

  private let sliceCapacity: Int
  private let passCapacity: Int
  private let arena: Arena
  private let slices: UnsafeMutablePointer<Slice>
  private let passes: UnsafeMutablePointer<Pass>
  /// Noted so far, those that are no longer kept among them.
  private var sliceCount = 0
  private var passCount = 0

  /// Room for `slices` slices, and for as many passes as those have at least.
  init(slices: Int) throws(ModelError) {
    sliceCapacity = slices
    passCapacity = max(1, slices / 8)
    var cursor = ArenaCursor()
    let slicesAt = cursor.take(sliceCapacity * MemoryLayout<Slice>.stride)
    let passesAt = cursor.take(passCapacity * MemoryLayout<Pass>.stride)
    arena = try Arena(byteCount: cursor.byteCount)
    unsafe self.slices = (arena.base + slicesAt).bindMemory(to: Slice.self, capacity: sliceCapacity)
    unsafe passes = (arena.base + passesAt).bindMemory(to: Pass.self, capacity: passCapacity)
  }

  mutating func removeAll() { (sliceCount, passCount) = (0, 0) }

  mutating func append(_ slice: Slice) {
    unsafe slices[sliceCount % sliceCapacity] = slice
    sliceCount += 1
  }

  mutating func append(_ pass: Pass) {
    unsafe passes[passCount % passCapacity] = pass
    passCount += 1
  }

  /// What is kept, in order of time.
  var trace: PassTrace {
    let firstSlice = max(0, sliceCount - sliceCapacity)
    let slices = (firstSlice..<sliceCount).map { index in
      let slice = unsafe self.slices[index % sliceCapacity]
      return PassTrace.Slice(
        began: slice.began, duration: slice.duration,
        module: ProfileModule(rawValue: Int(slice.module))!,
        layer: slice.layer < 0 ? nil : Int(slice.layer))
    }
    let passes = (max(0, passCount - passCapacity)..<passCount).map { index in
      let pass = unsafe self.passes[index % passCapacity]
      return PassTrace.Pass(
        began: pass.began, ended: pass.ended, phase: ProfilePhase(rawValue: Int(pass.phase))!,
        read: Int(pass.read), decoded: Int(pass.decoded))
    }
    // Passes whose first slices are gone tell less than they seem to.
    let oldest = slices.first?.began ?? 0
    return PassTrace(
      slices: slices, passes: firstSlice > 0 ? passes.filter { $0.began >= oldest } : passes,
      lostSlices: firstSlice)
  }
}
