internal import FoundationEssentials

/// A dialogue that ends with a question whose answer it told: one line of a recall file.
package struct RecallItem: Sendable, Equatable {
  package var dialogue: Dialogue
  /// What the reply must say.
  package var answer: String
  /// What is asked about, such as `pet`.
  package var kind: String

  package init(dialogue: Dialogue, answer: String, kind: String) {
    self.dialogue = dialogue
    self.answer = answer
    self.kind = kind
  }

  /// The user's turn that told the answer; nil where the right answer is that none did.
  package var fact: Int? { dialogue.fact(telling: answer) }

  /// Reads a file of JSON lines with `history`, `answer` and `kind`; empty lines are skipped.
  ///
  /// - Throws: a sentence that names `file` and the line.
  package static func items(
    of text: String, file: String
  ) throws(EvaluationError) -> [RecallItem] {
    let decoder = JSONDecoder()
    var items: [RecallItem] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    where !line.allSatisfy(\.isWhitespace) {
      let record: Record
      do {
        record = try decoder.decode(Record.self, from: Data(line.utf8))
      } catch {
        throw EvaluationError(
          "\(file):\(index + 1): not a JSON object with the texts history and answer.")
      }
      do {
        items.append(
          RecallItem(
            dialogue: try Dialogue(record.history), answer: record.answer,
            kind: record.kind ?? "recall"))
      } catch {
        throw EvaluationError("\(file):\(index + 1): the history cannot be used: \(error).")
      }
    }
    guard !items.isEmpty else { throw EvaluationError("\(file) holds no dialogue.") }
    return items
  }

  private struct Record: Decodable {
    var history: String
    var answer: String
    var kind: String?
  }
}

/// Why an evaluation cannot be done: one sentence, what, where, what to do.
package struct EvaluationError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
