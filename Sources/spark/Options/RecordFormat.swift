import ArgumentParser

/// In what form records are written.
enum RecordFormat: String, CaseIterable, ExpressibleByArgument {
  /// Tables for people.
  case md
  /// One array of objects.
  case json
  /// One object a line.
  case jsonl
  /// A line of names, then one line a record.
  case csv
}
