import Cache
import Foundation

/// A disk in memory that loses power, fails, and counts.
///
/// Files have what was written and what was synced; names have what was done and what was synced. Losing
/// power leaves what was synced, and a part of the rest.
final class SimulatedDisk: Disk, @unchecked Sendable {
  /// What an operation may be told to do instead of working.
  enum Fault: CaseIterable, Sendable {
    case full
    case failed
    /// A read or a write does a part; another operation fails.
    case short
  }

  /// Its bytes never move, so that a mapping sees what is written later.
  private final class Node {
    static let capacity = 128 << 10
    let base = UnsafeMutableRawPointer(calloc(capacity, 1)!)
    var count = 0
    var synced: [UInt8] = []
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    init(_ bytes: [UInt8] = []) {
      count = bytes.count
      bytes.withUnsafeBytes {
        if count > 0 { base.copyMemory(from: $0.baseAddress!, byteCount: count) }
      }
      synced = bytes
    }
    deinit { free(base) }

    /// Open descriptions that hold a lock, and which.
    var exclusive: Int32?
    var shared: Set<Int32> = []
  }

  private let lock = NSLock()
  private var names: [String: Node] = [:]
  private var syncedNames: [String: Node] = [:]
  private var open: [Int32: (node: Node, path: String)] = [:]
  /// Every file there ever was: mappings point into them.
  private var nodes: [Node] = []
  private var nextFile: Int32 = 3

  /// Operations that may fail, so far.
  private(set) var operations = 0
  private var faultAt: Int?
  private var fault = Fault.failed
  /// Whether every operation after the faulty one fails too.
  private var isLasting = false
  /// What it says is free; nothing keeps to it.
  var bytesFree = 1 << 40
  private(set) var faultsGiven: [String] = []

  init() {}

  // MARK: - Control

  /// Makes the `number`th operation from now fail, and those after it if `isLasting`.
  func fail(_ number: Int, _ fault: Fault, isLasting: Bool = false) {
    lock.withLock {
      operations = 0
      faultAt = number
      self.fault = fault
      self.isLasting = isLasting
      faultsGiven = []
    }
  }

  func heal() { lock.withLock { faultAt = nil } }

  /// The disk after power was lost now.
  ///
  /// - Parameter keeps: called with the number of bytes that a file had not synced; returns how many of
  ///   them are there all the same.
  func afterPowerLoss(keeps: (Int) -> Int) -> SimulatedDisk {
    lock.withLock {
      let disk = SimulatedDisk()
      for (name, node) in syncedNames {
        let extra = max(0, node.count - node.synced.count)
        let copy = Node(node.synced + node.bytes.suffix(extra).prefix(keeps(extra)))
        disk.names[name] = copy
        disk.syncedNames[name] = copy
      }
      return disk
    }
  }

  /// The disk as the next process finds it: every file as it was written, and no locks.
  func afterProcessEnd() -> SimulatedDisk {
    lock.withLock {
      let disk = SimulatedDisk()
      for (name, node) in names {
        let copy = Node(Array(node.bytes))
        disk.names[name] = copy
        disk.syncedNames[name] = copy
      }
      return disk
    }
  }

  var files: [String: Int] { lock.withLock { names.mapValues(\.bytes.count) } }

  /// Under the lock.
  private func step(
    _ operation: String, _ path: String, canBeShort: Bool = false
  ) throws(DiskError) -> Bool {
    operations += 1
    guard let faultAt, operations == faultAt || isLasting && operations > faultAt else {
      return false
    }
    faultsGiven.append(operation)
    if canBeShort, case .short = fault { return true }
    throw DiskError(
      fault == .full ? .full : .failed, operation: operation, path: path, reason: "simulated")
  }

  private func node(_ file: FileDescriptor) -> Node {
    guard let entry = open[file.rawValue] else { preconditionFailure("the file is not open") }
    return entry.node
  }

  private func locked<R>(_ body: () throws(DiskError) -> R) throws(DiskError) -> R {
    lock.lock()
    defer { lock.unlock() }
    return try body()
  }

  // MARK: - Files

  func open(_ path: String, _ mode: FileMode) throws(DiskError) -> FileDescriptor {
    try locked { () throws(DiskError) in
      _ = try step("open", path)
      var found = names[path]
      switch mode {
      case .read, .write: break
      case .create:
        guard found == nil else {
          throw DiskError(.exists, operation: "open", path: path, reason: "exists")
        }
        found = Node()
      case .openOrCreate: found = found ?? Node()
      }
      guard let node = found else {
        throw DiskError(.missing, operation: "open", path: path, reason: "missing")
      }
      names[path] = node
      nodes.append(node)
      defer { nextFile += 1 }
      open[nextFile] = (node, path)
      return FileDescriptor(rawValue: nextFile)
    }
  }

  func close(_ file: FileDescriptor) {
    lock.withLock {
      guard let entry = open.removeValue(forKey: file.rawValue) else {
        preconditionFailure("closed twice")
      }
      if entry.node.exclusive == file.rawValue { entry.node.exclusive = nil }
      entry.node.shared.remove(file.rawValue)
    }
  }

  func read(
    _ file: FileDescriptor, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    try locked { () throws(DiskError) in
      let isShort = try step("read", "", canBeShort: true)
      let bytes = node(file).bytes
      var count = max(0, min(buffer.count, bytes.count - offset))
      if isShort { count = (count + 1) / 2 }
      guard count > 0 else { return 0 }
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
      return count
    }
  }

  func write(
    _ file: FileDescriptor, at offset: Int, _ buffer: UnsafeRawBufferPointer
  ) throws(DiskError) -> Int {
    try locked { () throws(DiskError) in
      let node = node(file)
      var count = buffer.count
      do throws(DiskError) {
        if try step("write", open[file.rawValue]?.path ?? "", canBeShort: true) {
          count = max(1, count / 2)
        }
      } catch {
        // A write that fails may have written something.
        store(buffer, count / 3, in: node, at: offset)
        throw error
      }
      store(buffer, count, in: node, at: offset)
      return count
    }
  }

  private func store(_ buffer: UnsafeRawBufferPointer, _ count: Int, in node: Node, at offset: Int)
  {
    guard count > 0 else { return }
    (node.base + offset).copyMemory(from: buffer.baseAddress!, byteCount: count)
    node.count = max(node.count, offset + count)
  }

  func sync(_ file: FileDescriptor) throws(DiskError) {
    try locked { () throws(DiskError) in
      _ = try step("sync", open[file.rawValue]?.path ?? "")
      let node = node(file)
      node.synced = Array(node.bytes)
    }
  }

  func syncFolder(_ path: String) throws(DiskError) {
    try locked { () throws(DiskError) in
      _ = try step("sync", path)
      let prefix = path + "/"
      syncedNames = syncedNames.filter { !$0.key.hasPrefix(prefix) }
      for (name, node) in names where name.hasPrefix(prefix) { syncedNames[name] = node }
    }
  }

  func size(_ file: FileDescriptor) throws(DiskError) -> Int {
    try locked { () throws(DiskError) in
      _ = try step("size", "")
      return node(file).bytes.count
    }
  }

  func truncate(_ file: FileDescriptor, to byteCount: Int) throws(DiskError) {
    try locked { () throws(DiskError) in
      _ = try step("truncate", "")
      let node = node(file)
      if byteCount < node.count { memset(node.base + byteCount, 0, node.count - byteCount) }
      node.count = min(node.count, byteCount)
    }
  }

  func rename(_ path: String, to newPath: String) throws(DiskError) {
    try locked { () throws(DiskError) in
      _ = try step("rename", path)
      guard let node = names.removeValue(forKey: path) else {
        throw DiskError(.missing, operation: "rename", path: path, reason: "missing")
      }
      names[newPath] = node
    }
  }

  func remove(_ path: String) throws(DiskError) {
    try locked { () throws(DiskError) in
      guard names[path] != nil else {
        throw DiskError(.missing, operation: "remove", path: path, reason: "missing")
      }
      _ = try step("remove", path)
      names[path] = nil
    }
  }

  func list(_ path: String) throws(DiskError) -> [String] {
    try locked { () throws(DiskError) in
      _ = try step("list", path)
      let prefix = path + "/"
      return names.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }
  }

  func makeFolder(_ path: String) throws(DiskError) {
    try locked { () throws(DiskError) in _ = try step("mkdir", path) }
  }

  func freeBytes(_ path: String) throws(DiskError) -> Int {
    try locked { () throws(DiskError) in
      _ = try step("free", path)
      return bytesFree
    }
  }

  func lock(_ file: FileDescriptor, _ kind: FileLock, waits: Bool) throws(DiskError) -> Bool {
    try locked { () throws(DiskError) in
      let node = node(file)
      let isElsewhere = node.exclusive.map { $0 != file.rawValue } ?? false
      switch kind {
      case .none:
        if node.exclusive == file.rawValue { node.exclusive = nil }
        node.shared.remove(file.rawValue)
        return true
      case .shared:
        _ = try step("lock", "")
        if isElsewhere {
          precondition(!waits, "this would wait for ever")
          return false
        }
        node.exclusive = nil
        node.shared.insert(file.rawValue)
      case .exclusive:
        _ = try step("lock", "")
        if isElsewhere || node.shared.contains(where: { $0 != file.rawValue }) {
          precondition(!waits, "this would wait for ever")
          return false
        }
        node.shared = []
        node.exclusive = file.rawValue
      }
      return true
    }
  }

  // MARK: - Memory

  func map(_ file: FileDescriptor, byteCount: Int) throws(DiskError) -> UnsafeRawPointer {
    try locked { () throws(DiskError) in
      _ = try step("map", "")
      precondition(byteCount <= Node.capacity, "beyond the simulated file")
      return UnsafeRawPointer(node(file).base)
    }
  }

  func unmap(_ address: UnsafeRawPointer, byteCount: Int) {}

  func reserve(_ byteCount: Int) throws(DiskError) -> UnsafeMutableRawPointer {
    try locked { () throws(DiskError) in
      _ = try step("reserve", "")
      return UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
    }
  }

  func decommit(_ address: UnsafeMutableRawPointer, byteCount: Int) {}
  func release(_ address: UnsafeMutableRawPointer, byteCount: Int) { address.deallocate() }
}
