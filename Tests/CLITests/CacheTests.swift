import Foundation
import TestSupport
import Testing

@Suite("spark cache simulate")
struct CacheSimulateTests {
  private func simulate(
    _ arguments: String..., input: String = "", environment: [String: String] = [:]
  ) throws -> SparkCommand.Result {
    try SparkCommand.run(
      ["cache", "simulate", "--requests", "2000"] + arguments, input: Data(input.utf8),
      environment: environment)
  }

  @Test(
    "A table has a row for each capacity and a column for each policy, and nothing else is said")
  func table() throws {
    let result = try simulate("--workload", "loop", "--capacity", "50%", "--capacity", "4MiB")
    #expect(result.status == 0)
    #expect(result.errors.isEmpty)
    let lines = result.text.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(lines.count == 4)
    #expect(lines[1].suffix(5) == ["lru", "w-tinylfu", "gdsf", "s3-fifo", "optimum"])
    #expect(lines[2].first == "50.0%")
    #expect(lines[3].suffix(5).allSatisfy { Double($0) != nil })
  }

  @Test("The same seed repeats every figure, in other processes too")
  func repeatable() throws {
    let first = try simulate("--workload", "chat", "--seed", "7")
    #expect(first.text == (try simulate("--workload", "chat", "--seed", "7")).text)
    #expect(first.text != (try simulate("--workload", "chat", "--seed", "8")).text)
  }

  @Test("A trace that was written is replayed to the same figures, as JSON and as CSV")
  func recorded() throws {
    try withTemporaryDirectory { directory in
      let (trace, csv) = (
        directory.appending(path: "trace.txt"), directory.appending(path: "figures.csv")
      )
      let made = try simulate(
        "--workload", "sized", "--capacity", "10%", "--json", "--write-trace", trace.path,
        "--csv", csv.path)
      let read = try simulate("--trace", trace.path, "--capacity", "10%", "--json")
      let piped = try simulate(
        "--trace", "-", "--capacity", "10%", "--json",
        input: String(contentsOf: trace, encoding: .utf8))
      func ratios(_ result: SparkCommand.Result) throws -> [Double?] {
        try result.jsonLines().map { $0["saved_ratio"] as? Double }
      }
      #expect(try ratios(made).count == 5)
      #expect(try ratios(made) == ratios(read))
      #expect(try ratios(made) == ratios(piped))
      let rows = try String(contentsOf: csv, encoding: .utf8).split(separator: "\n")
      #expect(rows.count == 6)
      #expect(rows.allSatisfy { $0.split(separator: ",").count == 8 })
    }
  }

  @Test("A picture of one trace goes to a file or to standard output")
  func picture() throws {
    let result = try simulate("--workload", "zipf-1.0", "--svg", "-")
    #expect(result.status == 0)
    #expect(result.text.hasPrefix("<svg ") && result.text.hasSuffix("</svg>\n"))
    #expect(result.text.contains("w-tinylfu"))
  }

  @Test("Options come from the environment too")
  func environment() throws {
    let environment = ["SPARK_WORKLOAD": "loop\nscan", "SPARK_POLICY": "lru", "SPARK_JSON": "1"]
    let records = try simulate("--capacity", "50%", environment: environment).jsonLines()
    #expect(records.map { $0["trace"] as? String } == ["loop", "loop", "scan", "scan"])
    #expect(records.map { $0["policy"] as? String } == ["lru", "optimum", "lru", "optimum"])
  }

  @Test(
    "Wrong usage exits with 64",
    arguments: [
      (["--capacity", "much"], "'much'"), (["--capacity", "0%"], "'0%'"),
      (["--policy", "random"], "'random'"), (["--svg", "x"], "--svg draws one trace"),
      (["--trace", "x", "--workload", "loop"], "not both"),
      (["--tinylfu-window", "101"], "--tinylfu-window"),
      (["--workload", "loop", "--json", "--csv", "-"], "Only one thing"),
    ])
  func usage(arguments: [String], message: String) throws {
    let result = try SparkCommand.run(["cache", "simulate"] + arguments)
    #expect(result.status == 64)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test("A bad trace is refused in one sentence that names file and line")
  func badTrace() throws {
    let missing = try simulate("--trace", "/nonexistent")
    #expect(missing.status == 1)
    #expect(missing.errors.hasPrefix("spark: /nonexistent cannot be opened"))
    let bad = try simulate("--trace", "-", input: "spark trace 1\n1 2 3\n4 five 6\n")
    #expect(bad.status == 1)
    #expect(bad.errors.hasPrefix("spark: standard input: line 3 has the weight \"five\""))
    #expect(bad.errors.filter(\.isNewline).count == 1)
    #expect(try simulate("--trace", "-", input: "spark trace 1\n").status == 1)
  }
}
