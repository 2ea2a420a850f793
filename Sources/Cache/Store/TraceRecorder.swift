/// Writes what a store is asked for to a file that `spark cache simulate --trace` replays.
///
/// A request is a frame that is put, lent or read: what L1 has to hold for it not to be a miss. Lookups
/// of what no tier has are left out, as their cost is not known.
final class TraceRecorder: Sendable {
  private let path: String
  private let disk: any Disk
  private let frameBytes: Int
  private let state: StoreLock<State>

  private struct State {
    /// nil: ended, or given up after an error.
    var file: FileDescriptor?
    var end = 0
    var text = ""
  }

  private static let bufferBytes = 64 << 10

  /// Begins the file anew.
  init(path: String, frameBytes: Int, disk: any Disk) throws(StoreError) {
    self.path = path
    self.disk = disk
    self.frameBytes = frameBytes
    do throws(DiskError) {
      let file = try disk.open(path, .openOrCreate)
      do throws(DiskError) {
        try disk.truncate(file, to: 0)
      } catch {
        disk.close(file)
        throw error
      }
      state = StoreLock(State(file: file, text: TraceFile.header))
    } catch {
      throw StoreError(
        .disk, "the trace cannot be recorded (\(error)); name a file that can be written.")
    }
  }

  deinit { try? finish() }

  /// Notes a request. Now and then it writes to the file.
  ///
  /// - Throws: once, when the file cannot be written; what follows is not recorded.
  func record(_ key: FrameKey, _ origin: BlockAttributes, frames: Int) throws(DiskError) {
    let cost = origin.cost.isFinite ? min(max(0, origin.cost / Double(frames)), 1e9) : 0
    let request = Trace.Request(
      key: key.digest, weight: frameBytes, cost: cost,
      session: UInt32(truncatingIfNeeded: origin.session))
    try state.withLock { (state) throws(DiskError) in
      guard state.file != nil else { return }
      state.text += TraceFile.line(for: request)
      if state.text.utf8.count >= Self.bufferBytes { try write(&state) }
    }
  }

  /// Writes what is left, and ends the file.
  func finish() throws(DiskError) {
    try state.withLock { (state) throws(DiskError) in
      try write(&state)
      if let file = state.file { disk.close(file) }
      state.file = nil
    }
  }

  private func write(_ state: inout State) throws(DiskError) {
    guard let file = state.file else { return }
    let bytes = Array(state.text.utf8)
    state.text = ""
    do throws(DiskError) {
      try disk.writeAll(file, bytes, at: state.end, path: path)
    } catch {
      disk.close(file)
      state.file = nil
      throw error
    }
    state.end += bytes.count
  }
}

extension TieredStore {
  /// Records a request, if the store records any.
  func record(_ key: FrameKey) {
    guard let recorder else { return }
    guard let origin = withState({ $0.attributes(of: key) }) else { return }
    do throws(DiskError) {
      try recorder.record(key, origin, frames: framesPerBlock)
    } catch {
      reportTrace(error)
    }
  }

  func reportTrace(_ error: DiskError) {
    report(.traceFailed, "the trace is not recorded any further (\(error)).")
  }
}
