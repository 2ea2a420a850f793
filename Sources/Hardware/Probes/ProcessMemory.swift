/// Memory of this process, in bytes, as the kernel counts it.
public struct ProcessMemory: Sendable, Equatable {
  /// What is in RAM now.
  public var resident: Int?
  /// The most that was in RAM at once.
  public var peak: Int?

  /// Reads `/proc/self/status` below `root`; unknown values are nil.
  public init(root: String = "/") { self.init(SystemFiles(root: root)) }

  init(_ files: SystemFiles) {
    func bytes(_ field: String) -> Int? {
      files.field(field, in: "proc/self/status").flatMap(Memory.byteCount)
    }
    resident = bytes("VmRSS")
    peak = bytes("VmHWM")
  }
}
