import FoundationEssentials

extension Output {
  /// Writes `value` as one JSON object on a line of its own.
  func writeJSONLine(_ value: some Encodable) throws { try write(value.jsonLine()) }
}

extension Encodable {
  /// The value as one JSON object with the end of its line, keys in snake case and sorted.
  func jsonLine() throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    // JSON has no word for them, and a banned token's log-probability is minus infinity.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
