/// A record of plain values, in the order of its columns: the same for JSON and for CSV.
struct FlatRecord: Encodable {
  enum Value: Encodable, Equatable {
    case text(String)
    case integer(Int)
    case number(Double)
    case unknown

    /// What is not finite is not known.
    init(_ number: Double?) {
      self = number.flatMap { $0.isFinite ? .number($0) : nil } ?? .unknown
    }

    init(_ integer: Int?) { self = integer.map(Value.integer) ?? .unknown }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .text(let text): try container.encode(text)
      case .integer(let integer): try container.encode(integer)
      case .number(let number): try container.encode(number)
      case .unknown: try container.encodeNil()
      }
    }

    /// As a field of a CSV file (RFC 4180); what is unknown is empty.
    var field: String {
      switch self {
      case .text(let text):
        text.contains { ",\"\n\r".contains($0) }
          ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
      case .integer(let integer): "\(integer)"
      case .number(let number): "\(number)"
      case .unknown: ""
      }
    }
  }

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Names are in snake case.
  var fields: [(name: String, value: Value)]

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    for field in fields {
      try container.encode(field.value, forKey: Name(stringValue: field.name))
    }
  }

  var csvHeader: String { fields.map(\.name).joined(separator: ",") + "\n" }

  var csvLine: String { fields.map(\.value.field).joined(separator: ",") + "\n" }
}
