import Foundation
import TestSupport
import Testing

@Suite("Beams on the command line")
struct BeamTests {
  private func generate(_ arguments: String...) throws -> SparkCommand.Result {
    try SparkCommand.run(["generate", "Once upon a time", "-t", "1"] + arguments)
  }

  @Test("Standard output has the best text alone, standard error the list and what it took")
  func texts() throws {
    let one = try generate("-n", "20", "--beams", "4", "-q")
    #expect(one.status == 0 && !one.text.isEmpty && one.errors.isEmpty)
    let list = try generate("-n", "20", "--beams", "4", "--nbest", "3")
    #expect(list.text == one.text)
    for fact in ["1. score -", "2. score -", "3. score -", "20 tokens", "searched in 19 passes"] {
      #expect(list.errors.contains(fact))
    }
    #expect(!list.errors.contains("4. score"))
    // The list was asked for, the statistics were not.
    let quiet = try generate("-n", "20", "--beams", "4", "--nbest", "3", "--quiet")
    #expect(quiet.errors.contains("3. score -") && !quiet.errors.contains("tokens/s"))
  }

  @Test("With --json the last record has the best texts, the first of them as it was told")
  func json() throws {
    let result = try generate(
      "-n", "16", "--beams", "3", "--nbest", "2", "--json", "--logprobs", "1")
    let records = try result.text.split(separator: "\n").map {
      try #require(
        JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(result.errors.isEmpty)
    let tokens = records.dropLast().compactMap { $0["id"] as? Int }
    let text = records.dropLast().compactMap { $0["text"] as? String }.joined()
    let sum = records.dropLast().compactMap { $0["logprob"] as? Double }.reduce(0, +)
    let beams = try #require(records.last?["beams"] as? [String: Any])
    let hypotheses = try #require(beams["hypotheses"] as? [[String: Any]])
    #expect(hypotheses.count == 2)
    #expect(hypotheses[0]["tokens"] as? [Int] == tokens && tokens.count == 16)
    #expect(hypotheses[0]["text"] as? String == text)
    #expect(hypotheses[0]["stop_reason"] as? String == "length")
    let logProbability = try #require(hypotheses[0]["log_probability"] as? Double)
    let score = try #require(hypotheses[0]["score"] as? Double)
    #expect(abs(logProbability - sum) < 1e-3 && abs(score - logProbability / 16) < 1e-9)
    #expect(beams["passes"] as? Int == 15 && (beams["forks"] as? Int ?? 0) > 0)
    #expect((beams["peak_blocks"] as? Int ?? 0) > (beams["single_blocks"] as? Int ?? 0))
  }

  @Test("One beam says what greedy decoding does")
  func greedy() throws {
    let greedy = try generate("-n", "30", "--temp", "0", "-q")
    #expect(try generate("-n", "30", "--beams", "1", "-q").text == greedy.text)
    #expect(try generate("-n", "30", "--beams", "1", "--temp", "0", "-q").text == greedy.text)
  }

  @Test(
    "Wrong usage is refused by the flag's name",
    arguments: [
      (["--beams", "0"], "--beams is 0"), (["--beams", "64"], "between 1 and 16"),
      (["--nbest", "2"], "--nbest needs --beams"), (["--beam-stop", "first"], "needs --beams"),
      (["--beams", "2", "--nbest", "3"], "--nbest is 3"),
      (["--beams", "4", "--beam-groups", "3", "--beam-diversity", "1"], "--beam-groups is 3"),
      (["--beams", "4", "--beam-groups", "2"], "--beam-diversity is 0"),
      (["--beams", "4", "--length-penalty", "11"], "--length-penalty is 11"),
      (["--beams", "4", "--temp", "0.7"], "--temp shapes a draw"),
      (["--beams", "4", "--top-k", "5"], "--top-k shapes a draw"),
    ])
  func refusals(flags: [String], message: String) throws {
    let result = try SparkCommand.run(["generate", "x"] + flags)
    #expect(result.status == 64 && result.errors.contains(message), "\(result.errors)")
    #expect(result.text.isEmpty)
    let chat = try SparkCommand.run(["chat"] + flags)
    #expect(chat.status == 64 && chat.errors.contains(message), "\(chat.errors)")
  }

  @Test("A conversation goes on from the best reply")
  func session() throws {
    try withTemporaryDirectory { store in
      func say(_ text: String, _ flags: String...) throws -> SparkCommand.Result {
        try SparkCommand.run(
          ["generate", text, "--session", "t", "--store", store.path, "-n", "40", "-t", "1"] + flags
        )
      }
      let first = try say("My dog is called Rex.", "--beams", "4")
      let second = try say("What is my dog called?", "--beams", "4")
      #expect(first.status == 0 && second.text.contains("Rex"), "\(second.text)")
      #expect(second.errors.contains("of them read before"))
      let shown = try SparkCommand.run(["session", "show", "t", "--store", store.path])
      #expect(shown.text.contains(first.text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
  }
}
