/// Writes records to standard output in the form asked for.
struct RecordWriter {
  let format: RecordFormat
  /// Those of an array, which is written when it is whole.
  private var objects: [String] = []
  private var header: String?

  init(_ format: RecordFormat) { self.format = format }

  /// Writes a record that has no columns.
  mutating func write(_ record: some Encodable, told text: String) throws {
    switch format {
    case .md, .csv: try Output.standard.write(text)
    case .json: objects.append(String(try record.jsonLine().dropLast()))
    case .jsonl: try Output.standard.writeJSONLine(record)
    }
  }

  /// Writes records that have the same columns, or what is to be told of them.
  mutating func write(_ records: [FlatRecord], told text: @autoclosure () -> String) throws {
    switch format {
    case .md: try Output.standard.write(text())
    case .json: objects += try records.map { String(try $0.jsonLine().dropLast()) }
    case .jsonl: for record in records { try Output.standard.writeJSONLine(record) }
    case .csv:
      for record in records {
        if header == nil {
          header = record.csvHeader
          try Output.standard.write(record.csvHeader)
        }
        try Output.standard.write(record.csvLine)
      }
    }
  }

  /// To be called behind the last one.
  func finish() throws {
    guard format == .json else { return }
    try Output.standard.write("[\n\(objects.joined(separator: ",\n"))\n]\n")
  }
}
