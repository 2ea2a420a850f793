/// A tensor's entry in a GGUF file: what it is called, how it is shaped, where its bytes lie.
public struct GGUFTensor: Sendable, Hashable {
  public let name: String

  public let type: TensorType

  /// One to four lengths, none of them zero, fastest-varying first: `shape[0]` is the length of a
  /// row, a multiple of the type's block length. This is GGUF's order, the reverse of NumPy's.
  public let shape: [Int]

  /// The product of the shape.
  public let elementCount: Int

  /// The bytes of all elements.
  public let byteCount: Int

  /// Where the bytes begin, counted from the file's first byte.
  public let offset: Int
}
