/// What only a store's upkeep asks of its files.
extension SegmentStore {
  /// Runs `body` while no other store has the folder open, in this process or another.
  ///
  /// - Returns: nil when another one has.
  func alone<R>(_ body: () throws(DiskError) -> R) throws(DiskError) -> R? {
    guard let presence else { return nil }
    // A lock that is changed is let go first (flock(2)): it is taken back whatever comes.
    let isAlone = try disk.lock(presence, .exclusive, waits: false)
    defer { _ = try? disk.lock(presence, .shared, waits: true) }
    return isAlone ? try body() : nil
  }

  /// Renames a file that cannot be read, so that nothing asks for it any more.
  ///
  /// - Returns: its new path; nil when a later version may read it, or it is gone.
  func setAside(_ number: Int, suffix: String) throws(DiskError) -> String? {
    switch unreadable[number] {
    case nil, .version: return nil
    case .damaged, .notASegment: break
    }
    let aside = "\(path(number)).\(suffix)"
    try disk.rename(path(number), to: aside)
    unreadable[number] = nil
    isFolderSynced = false
    try syncFolder()
    return aside
  }
}
