/// How much this process has written, as the kernel counts it.
public struct ProcessWrites: Sendable, Equatable {
  /// Bytes given to write calls of all kinds: files, pipes, terminals.
  public var bytes: Int?

  /// Reads `/proc/self/io` below `root`; unknown values are nil.
  public init(root: String = "/") { self.init(SystemFiles(root: root)) }

  init(_ files: SystemFiles) {
    bytes = files.field("wchar", in: "proc/self/io").flatMap { Int($0) }
  }
}
