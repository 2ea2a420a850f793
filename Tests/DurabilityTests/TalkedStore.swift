import Foundation
import TestSupport

/// A store's folder in which a session is held by the program.
struct TalkedStore {
  static let session = "fox"

  var folder: String

  /// What a chat is asked to do: greedy, so that a reply can be compared.
  func chat(_ more: [String] = []) -> [String] {
    [
      "chat", "--session", Self.session, "--store", folder, "--quiet", "--temp", "0", "-n", "8",
      "--threads", "1", "--model", SparkCommand.model,
    ] + more
  }

  /// Says `lines` in the session, one after the other.
  func say(_ lines: [String], _ more: [String] = []) throws -> SparkCommand.Result {
    let process = try SparkProcess(chat(more))
    for line in lines { process.say(line) }
    return process.end()
  }

  /// What `spark session show` makes of it.
  func show() throws -> SparkCommand.Result {
    try SparkProcess([
      "session", "show", Self.session, "--store", folder, "--json", "--model", SparkCommand.model,
    ]).end()
  }

  /// The texts of questions and replies in order, out of what ``show()`` gave.
  static func turns(_ shown: SparkCommand.Result) throws -> [String] {
    try shown.jsonLines().dropFirst().map { ($0["content"] as? String) ?? "" }
  }

  /// What replies look like on standard output.
  static func output(_ replies: some Sequence<String>) -> String {
    replies.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined()
  }

  func copy(to folder: URL) throws -> TalkedStore {
    try FileManager.default.copyItem(atPath: self.folder, toPath: folder.path)
    return TalkedStore(folder: folder.path)
  }

  /// All files with something in them, the same order each time.
  func files() throws -> [URL] {
    let urls = FileManager.default.enumerator(
      at: URL(filePath: folder), includingPropertiesForKeys: [.fileSizeKey, .isRegularFileKey])
    var files: [URL] = []
    while let url = urls?.nextObject() as? URL {
      let values = try url.resourceValues(forKeys: [.fileSizeKey, .isRegularFileKey])
      if values.isRegularFile == true, values.fileSize ?? 0 > 0 { files.append(url) }
    }
    return files.sorted { $0.path < $1.path }
  }

  static let questions = [
    "What do foxes eat in the winter when the snow lies deep in the forest?",
    "And what do owls eat?", "Where does the little bear sleep?",
    "Tell me about the river and the old mill that stands beside it.", "Who lives in the mill?",
    "What is the name of the girl?", "Does she like apples or pears?",
    "Where did the cat hide the ball yesterday?", "What did the dog say to the cat?",
    "Why is the moon so bright tonight?",
  ]

  static func question(_ number: Int) -> String { questions[number % questions.count] }
}

extension SparkCommand.Result {
  /// What it said on standard error, except of what is as it should be.
  var warnings: [Substring] {
    errors.split(separator: "\n").filter { !$0.contains("has left the window") }
  }

  /// Whether it said that something is not as it should be, in whole sentences.
  var hasNotice: Bool {
    !warnings.isEmpty
      && warnings.allSatisfy { $0.hasPrefix("spark: ") || $0.hasPrefix("Error: ") }
  }
}
