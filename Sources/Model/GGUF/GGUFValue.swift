/// A metadata value's type as stored in a GGUF file (`gguf_metadata_value_type`; source: the GGUF
/// specification, ggml/docs/gguf.md).
enum GGUFValueType: UInt32 {
  case uint8 = 0
  case int8 = 1
  case uint16 = 2
  case int16 = 3
  case uint32 = 4
  case int32 = 5
  case float32 = 6
  case bool = 7
  case string = 8
  case array = 9
  case uint64 = 10
  case int64 = 11
  case float64 = 12

  /// Bytes of one value, or nil where values differ in size.
  var byteCount: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }
}

/// Where a metadata value lies in its file. Ranges and offsets were checked by the parser.
enum GGUFValue {
  /// A number or a truth value at `offset`.
  case scalar(GGUFValueType, offset: Int)
  /// A string's bytes, without the length before them.
  case string(Range<Int>)
  /// `count` elements, each of `type`, which is never `array`; strings keep their lengths.
  case array(GGUFValueType, count: Int, Range<Int>)
}

extension FileBytes {
  /// The integer of type `type` at `offset`, or nil where it is no integer or exceeds `Int`.
  func integer(_ type: GGUFValueType, at offset: Int) -> Int? {
    switch type {
    case .uint8: Int(load(UInt8.self, at: offset))
    case .int8: Int(load(Int8.self, at: offset))
    case .uint16: Int(load(UInt16.self, at: offset))
    case .int16: Int(load(Int16.self, at: offset))
    case .uint32: Int(load(UInt32.self, at: offset))
    case .int32: Int(load(Int32.self, at: offset))
    case .uint64: Int(exactly: load(UInt64.self, at: offset))
    case .int64: Int(load(Int64.self, at: offset))
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// The number of type `type` at `offset`, or nil where it is none.
  func number(_ type: GGUFValueType, at offset: Int) -> Double? {
    switch type {
    case .float32: Double(Float(bitPattern: load(UInt32.self, at: offset)))
    case .float64: Double(bitPattern: load(UInt64.self, at: offset))
    case .uint64: Double(load(UInt64.self, at: offset))
    default: integer(type, at: offset).map(Double.init)
    }
  }
}
