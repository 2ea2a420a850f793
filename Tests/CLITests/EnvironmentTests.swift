import Foundation
import TestSupport
import Testing

@Suite("Options from the environment")
struct EnvironmentTests {
  private func tokenCount(
    _ arguments: String..., environment: [String: String]
  ) throws -> Int? {
    let result = try SparkCommand.run(
      ["generate", "Once upon a time", "--ignore-eos", "--json"] + arguments,
      environment: environment)
    return try result.jsonLines().last?["generated_tokens"] as? Int
  }

  @Test("A variable sets the option of its name")
  func variable() throws {
    #expect(try tokenCount(environment: ["SPARK_MAX_TOKENS": "3"]) == 3)
  }

  @Test("The option on the command line wins, under each of its names")
  func optionWins() throws {
    let environment = ["SPARK_MAX_TOKENS": "3"]
    #expect(try tokenCount("--max-tokens", "2", environment: environment) == 2)
    #expect(try tokenCount("--max-tokens=2", environment: environment) == 2)
    #expect(try tokenCount("-n", "2", environment: environment) == 2)
  }

  @Test("An empty variable is an unset one")
  func empty() throws {
    #expect(try tokenCount("-n", "2", environment: ["SPARK_SEED": ""]) == 2)
  }

  @Test("Options of other commands and unknown variables are ignored")
  func foreign() throws {
    let environment = ["SPARK_REPETITIONS": "none", "SPARK_UNKNOWN": "x"]
    #expect(try tokenCount("-n", "2", environment: environment) == 2)
  }

  @Test("A flag is switched by 1 and 0")
  func flags() throws {
    let on = try SparkCommand.run(["tokenize", "a"], environment: ["SPARK_JSON": "1"])
    #expect(try on.jsonLines().count == 1)
    let off = try SparkCommand.run(["tokenize", "a"], environment: ["SPARK_JSON": "0"])
    #expect(!off.text.contains("{"))
  }

  @Test("An option that repeats takes one value a line, which options on the command line replace")
  func repeating() throws {
    func text(_ arguments: [String], _ environment: [String: String]) throws -> String {
      try SparkCommand.run(
        ["generate", "Once upon a time", "--temp", "0", "-n", "12", "-q"] + arguments,
        environment: environment
      ).text
    }
    let whole = try text([], [:])
    let (early, late) = (String(whole.prefix(6).suffix(3)), String(whole.suffix(3)))
    let cut = try text(["--stop", early], [:])
    #expect(cut.count < whole.count)
    #expect(try text([], ["SPARK_STOP": "never this\n\(early)"]) == cut)
    #expect(try text(["--stop", "never this"], ["SPARK_STOP": "\(early)\n\(late)"]) == whole)
  }

  @Test(
    "A malformed value names its variable",
    arguments: [
      ("SPARK_TOP_P", "high"), ("SPARK_TOP_P", "7"), ("SPARK_TEMPERATURE", "-1"),
      ("SPARK_JSON", "maybe"), ("SPARK_WINDOW", "wide"), ("SPARK_SEED", "-"),
      ("SPARK_EARLY_EXIT", "0,8"), ("SPARK_EARLY_EXIT", "yes"),
    ])
  func malformed(variable: String, value: String) throws {
    let result = try SparkCommand.run(["generate", "x"], environment: [variable: value])
    #expect(result.status == 64)
    #expect(result.errors.contains("\(variable)=\(value)"))
  }
}
