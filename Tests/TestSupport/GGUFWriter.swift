/// Writes small GGUF files in memory, right and wrong ones.
///
/// It knows nothing of the reader, so that the two check each other. Type numbers are those of
/// the specification.
package struct GGUFWriter {
  package indirect enum Value {
    case uint8(UInt8)
    case int8(Int8)
    case uint16(UInt16)
    case int16(Int16)
    case uint32(UInt32)
    case int32(Int32)
    case uint64(UInt64)
    case int64(Int64)
    case float32(Float)
    case float64(Double)
    case bool(Bool)
    case string(String)
    case bytes([UInt8])
    /// The element type's number and the elements.
    case array(UInt32, [Value])

    package static func strings(_ strings: [String]) -> Value { .array(8, strings.map(string)) }
    package static func int32s(_ values: [Int32]) -> Value { .array(5, values.map(int32)) }
    package static func float32s(_ values: [Float]) -> Value { .array(6, values.map(float32)) }

    var type: UInt32 {
      switch self {
      case .uint8: 0
      case .int8: 1
      case .uint16: 2
      case .int16: 3
      case .uint32: 4
      case .int32: 5
      case .float32: 6
      case .bool: 7
      case .string, .bytes: 8
      case .array: 9
      case .uint64: 10
      case .int64: 11
      case .float64: 12
      }
    }
  }

  package struct Tensor {
    package var name: String
    package var shape: [UInt64]
    package var type: UInt32
    package var data: [UInt8]
    /// Where the data claim to be, if not where they are.
    package var statedOffset: UInt64?

    package init(
      name: String, shape: [UInt64], type: UInt32, data: [UInt8], statedOffset: UInt64? = nil
    ) {
      self.name = name
      self.shape = shape
      self.type = type
      self.data = data
      self.statedOffset = statedOffset
    }
  }

  package var version: UInt32 = 3
  package var metadata: [(key: String, value: Value)] = []
  package var tensors: [Tensor] = []
  package var alignment = 32

  package init() {}

  package init(metadata: [(key: String, value: Value)], tensors: [Tensor] = []) {
    self.metadata = metadata
    self.tensors = tensors
  }

  /// The file's bytes.
  package func bytes() -> [UInt8] {
    var out = Array("GGUF".utf8)
    Self.append(version, to: &out)
    Self.append(UInt64(tensors.count), to: &out)
    Self.append(UInt64(metadata.count), to: &out)
    for (key, value) in metadata {
      Self.append(Array(key.utf8), to: &out)
      Self.append(value.type, to: &out)
      Self.append(value, to: &out)
    }
    var offset = 0
    for tensor in tensors {
      Self.append(Array(tensor.name.utf8), to: &out)
      Self.append(UInt32(tensor.shape.count), to: &out)
      for length in tensor.shape { Self.append(length, to: &out) }
      Self.append(tensor.type, to: &out)
      Self.append(tensor.statedOffset ?? UInt64(offset), to: &out)
      offset = padded(offset + tensor.data.count)
    }
    for tensor in tensors {
      out += [UInt8](repeating: 0, count: padded(out.count) - out.count)
      out += tensor.data
    }
    return out
  }

  private func padded(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

  private static func append(_ value: Value, to out: inout [UInt8]) {
    switch value {
    case .uint8(let value): append(value, to: &out)
    case .int8(let value): append(value, to: &out)
    case .uint16(let value): append(value, to: &out)
    case .int16(let value): append(value, to: &out)
    case .uint32(let value): append(value, to: &out)
    case .int32(let value): append(value, to: &out)
    case .uint64(let value): append(value, to: &out)
    case .int64(let value): append(value, to: &out)
    case .float32(let value): append(value.bitPattern, to: &out)
    case .float64(let value): append(value.bitPattern, to: &out)
    case .bool(let value): append(UInt8(value ? 1 : 0), to: &out)
    case .string(let text): append(Array(text.utf8), to: &out)
    case .bytes(let bytes): append(bytes, to: &out)
    case .array(let type, let elements):
      append(type, to: &out)
      append(UInt64(elements.count), to: &out)
      for element in elements { append(element, to: &out) }
    }
  }

  private static func append(_ bytes: [UInt8], to out: inout [UInt8]) {
    append(UInt64(bytes.count), to: &out)
    out += bytes
  }

  private static func append<T: FixedWidthInteger>(_ value: T, to out: inout [UInt8]) {
    for shift in stride(from: 0, to: T.bitWidth, by: 8) {
      out.append(UInt8(truncatingIfNeeded: value >> T(shift)))
    }
  }
}
