/// The segments that can be read, for every thread.
final class SegmentTable: Sendable {
  private let files = StoreLock<[Int: SegmentFile]>([:])

  subscript(number: Int) -> SegmentFile? {
    get { files.withLock { $0[number] } }
    set {
      // The old one is closed, perhaps, after unlocking.
      let old = files.withLock { files in
        let old = files[number]
        files[number] = newValue
        return old
      }
      withExtendedLifetime(old) {}
    }
  }
}
