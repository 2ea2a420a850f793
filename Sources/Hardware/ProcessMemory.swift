/// Memory of this process, in bytes, as the kernel counts it.
public struct ProcessMemory: Sendable, Equatable {
  /// What is in RAM now.
  public var resident: Int?
  /// The most that was in RAM at once.
  public var peak: Int?

  /// Reads `/proc/self/status` below `root`; unknown values are nil.
  public init(root: String = "/") {
    let files = SystemFiles(root: root)
    func bytes(_ field: String) -> Int? {
      guard let text = files.field(field, in: "proc/self/status") else { return nil }
      return text.split(separator: " ").first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    resident = bytes("VmRSS")
    peak = bytes("VmHWM")
  }
}
