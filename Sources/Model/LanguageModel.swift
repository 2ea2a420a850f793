internal import CKernels

/// A model's weights in memory, ready for forward passes, with its shape and tokenizer.
///
/// Matrices are packed copies; the embedding table is read from the mapped file, row by row.
/// It is `Sendable`, unchecked: nothing changes after `init` but for what ``unload()`` says.
@safe
package final class LanguageModel: @unchecked Sendable {
  package let file: GGUFFile
  package let architecture: any Architecture.Type
  package let shape: Hyperparameters
  package let layers: [LayerWeights]
  package let outputNorm: UnsafePointer<Float>
  package let output: Linear
  /// Bytes of packed weights.
  package let weightByteCount: Int

  /// Whether the weights are in memory; where they are not, no pass may run.
  package private(set) var isLoaded = true

  private let arena: Arena
  private let embedding: UnsafeRawPointer
  private let embeddingType: spark_type
  let embeddingRowByteCount: Int
  private let ropeFrequencies: [Double]

  /// Reads and packs all weights of `file`, on the threads of `compute`.
  package init(file: GGUFFile, compute: Compute) throws(ModelError) {
    let architecture = try ModelDescription.architecture(of: file)
    let shape = try Hyperparameters(file: file, architecture: architecture.name)
    self.file = file
    self.architecture = architecture
    self.shape = shape

    var measuring = WeightLoader(file: file, compute: compute, arena: nil)
    _ = unsafe try Self.load(architecture, shape, &measuring)
    let arena = try Arena(byteCount: measuring.byteCount, isHot: true)
    var loader = WeightLoader(file: file, compute: compute, arena: arena)
    let parts = unsafe try Self.load(architecture, shape, &loader)
    self.arena = arena
    weightByteCount = loader.byteCount
    layers = unsafe parts.layers
    unsafe outputNorm = parts.norm
    output = unsafe parts.output

    let table = file.tensor(named: "token_embd.weight")!  // Hyperparameters has checked it
    unsafe embedding = file.data(of: table).baseAddress!
    embeddingType = table.type.kernelType
    embeddingRowByteCount = spark_row_bytes(embeddingType, shape.width)
    ropeFrequencies = try Self.ropeFrequencies(shape, file)
  }

  /// Gives the memory of the packed weights back to the system. While no pass runs, by whoever runs
  /// them.
  package func unload() {
    arena.decommit()
    isLoaded = false
  }

  /// Packs the weights again, each to where it was.
  package func reload(compute: Compute) throws(ModelError) {
    var loader = WeightLoader(file: file, compute: compute, arena: arena)
    _ = unsafe try Self.load(architecture, shape, &loader)
    isLoaded = true
  }

  private static func load(
    _ architecture: any Architecture.Type, _ shape: Hyperparameters, _ loader: inout WeightLoader
  ) throws(ModelError) -> (layers: [LayerWeights], norm: UnsafePointer<Float>, output: Linear) {
    var layers: [LayerWeights] = []
    for index in 0..<shape.layers {
      layers.append(try architecture.weights(layer: index, shape, &loader))
    }
    let norm = unsafe try loader.vector("output_norm.weight", count: shape.width)
    // Models without an output matrix use the embedding table for it ("tied").
    let name = loader.has("output.weight") ? "output.weight" : "token_embd.weight"
    let output = try loader.matrix(
      name, bias: nil, rows: shape.vocabularySize, columns: shape.width)
    return unsafe (layers, norm, output)
  }

  /// Angles per position; a file may divide each by a factor of its own (Llama 3's long context).
  private static func ropeFrequencies(
    _ shape: Hyperparameters, _ file: GGUFFile
  ) throws(ModelError) -> [Double] {
    let frequencies = shape.ropeScaling.frequencies(base: shape.ropeBase, rotary: shape.rotary)
    guard let tensor = file.tensor(named: "rope_freqs.weight") else { return frequencies }
    guard tensor.elementCount == frequencies.count, tensor.type == .f32 else {
      throw ModelError(
        "\(file.name): tensor 'rope_freqs.weight' has shape \(tensor.shape) and type "
          + "\(tensor.type.name), expected [\(frequencies.count)] of F32; the file is damaged.")
    }
    return unsafe file.withUnsafeBytes(of: tensor) { bytes in
      frequencies.enumerated().map { index, frequency in
        frequency / Double(unsafe bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
      }
    }
  }

  package func makeRoPETable(limit: Int) throws(ModelError) -> RoPETable {
    try RoPETable(
      frequencies: ropeFrequencies, magnitude: shape.ropeScaling.magnitude,
      isInterleaved: architecture.interleavesRoPE, limit: limit)
  }

  /// The embedding of `token`, [width].
  ///
  /// - Precondition: `token` is in the vocabulary.
  @unsafe
  func embed(_ token: TokenID, into out: UnsafeMutablePointer<Float>) {
    precondition(
      token >= 0 && Int(token) < shape.vocabularySize,
      "token \(token) is outside a vocabulary of \(shape.vocabularySize)")
    unsafe spark_dequantize_row(
      embeddingType, embedding + Int(token) * embeddingRowByteCount, shape.width, out)
  }
}
