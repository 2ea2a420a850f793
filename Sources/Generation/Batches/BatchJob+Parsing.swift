internal import FoundationEssentials

/// Why a line is no job. The description is a sentence that goes on from "line 7: ".
package struct JobFault: Error, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// How the lines of a batch are written.
package enum BatchFormat: String, Sendable {
  /// Each is a prompt.
  case plain
  /// Each is a JSON object.
  case json

  /// The format of a batch by its first line that is not blank: JSON where it begins with a brace.
  package init(firstLine line: InputLine) {
    let first = line.bytes.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    self = first == UInt8(ascii: "{") ? .json : .plain
  }
}

extension BatchJob {
  /// The keys of a job in JSON: the command's options, and what belongs to a prompt.
  enum Key: String, CodingKey, CaseIterable {
    case id, prompt, messages, system, namespace, priority, seed
    case maxTokens = "max_tokens"
    case stop
    case ignoreEOS = "ignore_eos"
    case temperature
    case topK = "top_k"
    case topP = "top_p"
    case minP = "min_p"
    case typicalP = "typical_p"
    case repetitionPenalty = "repeat_penalty"
    case presencePenalty = "presence_penalty"
    case frequencyPenalty = "frequency_penalty"
  }

  /// The job that a line of a batch is.
  package init(_ line: InputLine, as format: BatchFormat) throws(JobFault) {
    guard !line.isTooLong else {
      throw JobFault("it is longer than \(line.bytes.count) bytes, the most that is read of one.")
    }
    guard let text = String(validating: line.bytes, as: UTF8.self) else {
      throw JobFault("it is not UTF-8 text.")
    }
    switch format {
    case .plain: self.init(.prompt(text))
    case .json:
      do {
        self = try JSONDecoder().decode(Self.self, from: Data(line.bytes))
      } catch let fault as JobFault {
        throw fault
      } catch let error as DecodingError {
        throw JobFault(error)
      } catch {
        throw JobFault("it is no JSON object.")
      }
    }
  }
}

extension JobID {
  /// The id in a line that is no job; nil where it has none that can be read.
  package init?(of line: InputLine, as format: BatchFormat) {
    struct Named: Decodable { var id: JobID }
    guard format == .json, !line.isTooLong,
      let named = try? JSONDecoder().decode(Named.self, from: Data(line.bytes))
    else { return nil }
    self = named.id
  }
}

extension BatchJob: Decodable {
  package init(from decoder: any Decoder) throws {
    let given = try decoder.container(keyedBy: AnyKey.self)
    let unknown = given.allKeys.map(\.stringValue).filter { Key(rawValue: $0) == nil }
    if let key = unknown.min() {
      let known = Key.allCases.map(\.rawValue).joined(separator: ", ")
      throw JobFault("the key \"\(key)\" is unknown; the keys are \(known).")
    }
    let values = try decoder.container(keyedBy: Key.self)
    switch (
      try values.decodeIfPresent(String.self, forKey: .prompt),
      try values.decodeIfPresent([ChatMessage].self, forKey: .messages)
    ) {
    case (let prompt?, nil): self.init(.prompt(prompt))
    case (nil, let messages?):
      guard !messages.isEmpty else { throw JobFault("messages is empty; say something in it.") }
      self.init(.messages(messages))
    case (nil, nil): throw JobFault("there is neither a prompt nor messages; give one of them.")
    case (.some, .some): throw JobFault("there are a prompt and messages; give one of them.")
    }
    id = try values.decodeIfPresent(JobID.self, forKey: .id)
    system = try values.decodeIfPresent(String.self, forKey: .system)
    if system != nil, case .messages = content {
      throw JobFault("system goes with a prompt; give it as the first of the messages.")
    }
    namespace = try values.decodeIfPresent(String.self, forKey: .namespace)
    guard namespace != "" else { throw JobFault("namespace must not be empty.") }
    if let name = try values.decodeIfPresent(String.self, forKey: .priority) {
      guard let known = Priority(name: name) else {
        let names = Priority.allCases.map(\.name).joined(separator: ", ")
        throw JobFault("priority is \"\(name)\"; it must be one of \(names).")
      }
      priority = known
    }
    seed = try values.number(.seed)
    maxTokens = try values.number(.maxTokens)
    guard maxTokens ?? 0 >= -1 else { throw JobFault("max_tokens must be -1 or more.") }
    stop = try values.decodeIfPresent(Texts.self, forKey: .stop)?.all
    ignoreEOS = try values.decodeIfPresent(Bool.self, forKey: .ignoreEOS)
    sampling.temperature = try values.number(.temperature)
    sampling.topK = try values.number(.topK)
    sampling.topP = try values.number(.topP)
    sampling.minP = try values.number(.minP)
    sampling.typicalP = try values.number(.typicalP)
    sampling.repetitionPenalty = try values.number(.repetitionPenalty)
    sampling.presencePenalty = try values.number(.presencePenalty)
    sampling.frequencyPenalty = try values.number(.frequencyPenalty)
  }
}

extension KeyedDecodingContainer<BatchJob.Key> {
  /// A number; one that the type cannot hold is no reason to say that the line is no JSON.
  fileprivate func number<Number: Decodable & Numeric>(_ key: Key) throws -> Number? {
    do {
      return try decodeIfPresent(Number.self, forKey: key)
    } catch {
      // Not always a decoding error: the decoder makes one of it later, which names no key.
      throw JobFault("\(key.rawValue) must be \(JobFault.noun(for: Number.self)).")
    }
  }
}

/// One text or several.
private struct Texts: Decodable {
  var all: [String]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      all = [text]
    } else {
      all = try container.decode([String].self)
    }
  }
}

/// Any key, to find out which there are.
private struct AnyKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }

  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension JobFault {
  /// What a decoder says, as a sentence with the key in it.
  fileprivate init(_ error: DecodingError) {
    func place(_ path: [any CodingKey]) -> String {
      path.reduce("") { name, key in
        if let index = key.intValue { return "\(name)[\(index)]" }
        return name.isEmpty ? key.stringValue : "\(name).\(key.stringValue)"
      }
    }
    switch error {
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let name = place(context.codingPath)
      self.init(name.isEmpty ? "it is no JSON object." : "\(name) must be \(Self.noun(for: type)).")
    case .keyNotFound(let key, let context):
      self.init("\(place(context.codingPath + [key])) is missing.")
    case .dataCorrupted(let context):
      let name = place(context.codingPath)
      self.init(
        name.isEmpty ? "it is no JSON object." : "\(name) has a value that it may not have.")
    @unknown default: self.init("it is no JSON object.")
    }
  }

  fileprivate static func noun(for type: any Any.Type) -> String {
    switch type {
    case is String.Type: "a text"
    case is Int.Type: "a whole number"
    case is UInt64.Type: "a whole number from 0 to 18446744073709551615"
    case is Float.Type: "a number"
    case is Bool.Type: "true or false"
    default: "what the documentation says"
    }
  }
}
