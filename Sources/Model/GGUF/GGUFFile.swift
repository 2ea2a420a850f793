/// A GGUF model file, mapped into memory and read where it lies.
///
/// Versions 2 and 3, little-endian. Opening it checks every length, offset, type and shape, so that
/// what the metadata and tensors promise is inside the file; weights themselves are not read until
/// someone touches them. The format: ggml/docs/gguf.md.
///
/// It is `Sendable` because everything in it is immutable once opened.
public final class GGUFFile: Sendable {
  /// The file, as the caller named it.
  public let name: String

  /// The format's version, 2 or 3.
  public let version: Int

  /// The file's length.
  public let byteCount: Int

  public let metadata: GGUFMetadata

  /// All tensors, in the file's order.
  public let tensors: [GGUFTensor]

  private let bytes: FileBytes
  private let positions: [String: Int]

  /// Opens the file at `path` and checks it.
  public convenience init(path: String) throws(GGUFError) {
    try self.init(FileBytes(path: path), name: path)
  }

  /// Reads a file that is already in memory; `name` stands for its path in errors.
  package convenience init(bytes: [UInt8], name: String) throws(GGUFError) {
    guard !bytes.isEmpty else {
      throw GGUFError(file: name, message: "the file is empty.")
    }
    try self.init(FileBytes(copying: bytes), name: name)
  }

  private init(_ bytes: FileBytes, name: String) throws(GGUFError) {
    var parser = GGUFParser(bytes: bytes, name: name)
    let parts = try parser.parse()
    self.name = name
    self.bytes = bytes
    byteCount = bytes.count
    version = parts.version
    metadata = parts.metadata
    tensors = parts.tensors
    positions = parts.positions
  }

  /// The tensor called `name`, or nil.
  public func tensor(named name: String) -> GGUFTensor? {
    positions[name].map { tensors[$0] }
  }

  /// Calls `body` with the tensor's bytes, which are valid during the call.
  public func withUnsafeBytes<R, E>(
    of tensor: GGUFTensor, _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { extendLifetime(self) }
    return try unsafe body(data(of: tensor))
  }

  /// Gives back the memory that reading the tensor has taken. It can be read again.
  package func evict(_ tensor: GGUFTensor) {
    bytes.evict(tensor.offset..<tensor.offset + tensor.byteCount)
  }

  /// The tensor's bytes, which are valid as long as this file object lives: whoever keeps the
  /// pointer keeps the file too.
  ///
  /// The first byte is a multiple of the file's `general.alignment` (32 unless it says otherwise)
  /// away from the mapping's page-aligned start.
  @unsafe
  package func data(of tensor: GGUFTensor) -> UnsafeRawBufferPointer {
    let range = tensor.offset..<tensor.offset + tensor.byteCount
    precondition(
      range.upperBound <= bytes.count, "tensor '\(tensor.name)' belongs to another file")
    return unsafe UnsafeRawBufferPointer(rebasing: bytes.buffer[range])
  }
}
