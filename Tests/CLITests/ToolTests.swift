import Foundation
import TestSupport
import Testing

@Suite("Tokens, model files and speed")
struct ToolTests {
  @Test(
    "detokenize undoes tokenize",
    arguments: ["Hello, world!", "It's  42\n\tfoxes 🦊", "naïve café", "<|im_end|>"])
  func roundTrip(text: String) throws {
    let ids = try SparkCommand.run(["tokenize", "--ids", "-"], input: Data((text + "\n").utf8))
    #expect(ids.status == 0)
    let words = ids.text.split(whereSeparator: \.isWhitespace).map(String.init)
    let back = try SparkCommand.run(["detokenize"] + words)
    #expect(back.output == Data(text.utf8))
    let piped = try SparkCommand.run(["detokenize", "-"], input: ids.output)
    #expect(piped.output == back.output)
  }

  @Test("tokenize shows one token a line, in all forms the same ids")
  func forms() throws {
    let text = "One fox.\n"
    let ids = try SparkCommand.run(["tokenize", "--ids", text]).text
      .split(whereSeparator: \.isWhitespace).map { Int($0) }
    let lines = try SparkCommand.run(["tokenize", text]).text.split(separator: "\n")
    #expect(lines.map { Int($0.prefix { $0 != " " }) } == ids)
    #expect(lines.last?.contains("\\x0a") == true)
    let objects = try SparkCommand.run(["tokenize", "--json", text]).jsonLines()
    #expect(objects.map { $0["id"] as? Int } == ids)
    #expect(objects.compactMap { $0["piece"] as? String }.joined() == text)
  }

  @Test("--special reads a special token as one token")
  func special() throws {
    let plain = try SparkCommand.run(["tokenize", "--ids", "<|im_end|>"]).text
    let special = try SparkCommand.run(["tokenize", "--ids", "--special", "<|im_end|>"]).text
    #expect(special == "2\n")
    #expect(plain != special)
  }

  @Test("model show names the model's sizes, for people and as JSON")
  func show() throws {
    let text = try SparkCommand.run(["model", "show", SparkCommand.model])
    #expect(text.status == 0)
    for fact in ["spark-mini", "llama", "8.4", "1024", "4096", "Q8_0"] {
      #expect(text.text.contains(fact), "\(fact)")
    }
    let json = try SparkCommand.run(["model", "show", "--json", SparkCommand.model]).jsonLines()
    #expect(json.count == 1)
    #expect(json.first?["layers"] as? Int == 10)
    #expect(json.first?["vocabulary_size"] as? Int == 4096)
    #expect(json.first?["parameter_count"] as? Int == 8_426_752)
  }

  @Test("model logits writes a row of scores for each token")
  func logits() throws {
    try withTemporaryDirectory { directory in
      let file = directory.appending(path: "scores.f32")
      let ids = try SparkCommand.run(
        ["model", "logits", SparkCommand.model, "--ids", "10,11,12", "--output", file.path])
      #expect(ids.status == 0)
      let scores = try Data(contentsOf: file)
      #expect(scores.count == 3 * 4096 * 4)
      let piped = try SparkCommand.run(
        ["model", "logits", SparkCommand.model, "--ids", "10,11,12", "--output", "-"])
      #expect(piped.output == scores)
      let floats = unsafe scores.withUnsafeBytes { unsafe Array($0.bindMemory(to: Float.self)) }
      #expect(floats.allSatisfy { $0.isFinite })
      #expect(Set(floats).count > 1000)
    }
  }

  @Test("Logits that do not fit leave no file behind")
  func logitsWithoutRoom() throws {
    try withTemporaryDirectory { directory in
      let file = directory.appending(path: "scores.f32")
      let result = try SparkCommand.run(
        [
          "-c", "ulimit -f 20; exec \"$0\" model logits \"$1\" --ids 10,11,12 --output \"$2\"",
          SparkCommand.executable.path, SparkCommand.model, file.path,
        ],
        executable: URL(filePath: "/bin/sh"))
      #expect(result.status == 1)
      #expect(result.errors == "spark: \(file.path) cannot be written: File too large.\n")
      #expect(!FileManager.default.fileExists(atPath: file.path))
    }
  }
}
