internal import CKernels

/// Copies a model's tensors out of its file into the kernels' layout.
///
/// It runs over the tensors twice: once to check shapes and add up sizes, once to pack. The same
/// code describes both, since each request answers with a place in the arena.
@safe
package struct WeightLoader {
  private let file: GGUFFile
  private let compute: Compute
  /// Nil while measuring.
  private let arena: Arena?
  private var cursor = ArenaCursor()

  init(file: GGUFFile, compute: Compute, arena: Arena?) {
    self.file = file
    self.compute = compute
    self.arena = arena
  }

  var byteCount: Int { cursor.byteCount }

  func has(_ name: String) -> Bool { file.tensor(named: name) != nil }

  /// Refuses a file without the tensor `name`.
  func require(_ name: String, because reason: String) throws(ModelError) {
    guard has(name) else {
      throw ModelError("\(file.name): tensor '\(name)' is missing; \(reason).")
    }
  }

  private func tensor(_ name: String, shape: [Int]) throws(ModelError) -> GGUFTensor {
    guard let tensor = file.tensor(named: name) else {
      throw ModelError("\(file.name): tensor '\(name)' is missing; the file is incomplete.")
    }
    // A vector may be stored with trailing ones.
    var found = tensor.shape
    while found.count > shape.count, found.last == 1 { found.removeLast() }
    guard found == shape else {
      throw ModelError(
        "\(file.name): tensor '\(name)' has shape \(tensor.shape), but the metadata needs "
          + "\(shape); the file mixes two models or is damaged.")
    }
    return tensor
  }

  private mutating func place(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    let offset = cursor.take(byteCount)
    guard let arena else { return nil }
    return unsafe arena.base + offset
  }

  /// A vector of `count` numbers, as floats.
  mutating func vector(_ name: String, count: Int) throws(ModelError) -> UnsafePointer<Float> {
    let tensor = try tensor(name, shape: [count])
    guard let place = unsafe place(count * MemoryLayout<Float>.size) else {
      return unsafe UnsafePointer(Self.measured.assumingMemoryBound(to: Float.self))
    }
    let floats = unsafe place.assumingMemoryBound(to: Float.self)
    unsafe spark_dequantize_row(
      tensor.type.kernelType, file.data(of: tensor).baseAddress!, count, floats)
    return unsafe UnsafePointer(floats)
  }

  /// A matrix `<name>.weight` of [columns, rows] in GGUF's order, with `<name>.bias` where the file
  /// has one.
  mutating func linear(_ name: String, rows: Int, columns: Int) throws(ModelError) -> Linear {
    try matrix("\(name).weight", bias: "\(name).bias", rows: rows, columns: columns)
  }

  mutating func matrix(
    _ name: String, bias biasName: String?, rows: Int, columns: Int
  ) throws(ModelError) -> Linear {
    let tensor = try tensor(name, shape: [columns, rows])
    let type = tensor.type.kernelType
    let panelByteCount = spark_panel_bytes(type, columns)
    let panels = (rows + SPARK_PANEL_ROWS - 1) / SPARK_PANEL_ROWS
    let place = unsafe place(panels * panelByteCount)
    if let place = unsafe place {
      unsafe spark_pack(
        compute.pool, type, file.data(of: tensor).baseAddress!, rows, columns, place)
      // The packed copy is what will be read; the file's would double the memory in use.
      file.evict(tensor)
    }
    var bias: UnsafePointer<Float>?
    if let biasName, has(biasName) { unsafe bias = try vector(biasName, count: rows) }
    return unsafe Linear(
      panels: (place ?? Self.measured).assumingMemoryBound(to: UInt8.self),
      panelByteCount: panelByteCount, type: tensor.type, rows: rows, columns: columns, bias: bias)
  }

  /// Stands for an address while measuring; never read.
  private static var measured: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: 64)!
  }
}
