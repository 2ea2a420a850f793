import Foundation
import TestSupport
import Testing

@Suite("bench")
struct BenchTests {
  /// Short works, and no limits unless they are what is tested.
  private func run(_ arguments: [String]) throws -> SparkCommand.Result {
    try SparkCommand.run(["bench", "-t", "1", "-r", "2"] + arguments)
  }

  @Test("Prefill and decode are told with medians, quartiles, limits and shares of them")
  func records() throws {
    let result = try run([SparkCommand.model, "-p", "16", "-n", "4", "--json"])
    #expect(result.status == 0, "\(result.errors)")
    let records = try result.jsonLines()
    #expect(records.map { $0["test"] as? String } == ["prefill", "decode"])
    #expect(records.map { $0["tokens"] as? Int } == [16, 4])
    for record in records {
      let rates = [
        "minimum", "lower_quartile", "tokens_per_second", "upper_quartile", "maximum",
      ].compactMap { record[$0] as? Double }
      #expect(rates.count == 5)
      #expect(rates == rates.sorted())
      #expect(rates.allSatisfy { $0 > 0 })
      #expect(record["threads"] as? Int == 1)
      #expect(record["repetitions"] as? Int == 2)
      for limit in ["read_gigabytes_per_second", "int8_gops", "f32_gflops", "share_of_limit"] {
        #expect((record[limit] as? Double ?? 0) > 0, "\(limit)")
      }
      // Known where the machine tells, never missing.
      #expect(record["joules"] is NSNull || record["joules"] is Double)
    }
    #expect(["int8", "bf16"].contains(records[0]["limit"] as? String))
    #expect(records[1]["limit"] as? String == "read")
    #expect((records[0]["gflops"] as? Double ?? 0) > 0)
    #expect((records[1]["gigabytes_per_second"] as? Double ?? 0) > 0)
    let first = try #require(records[0]["first_token_seconds"] as? Double)
    #expect(first >= records[0]["seconds"] as? Double ?? .infinity)
    #expect(records[1]["first_token_seconds"] is NSNull)
  }

  @Test("Every value of every list is measured, at each depth, for each model")
  func lists() throws {
    let result = try SparkCommand.run([
      "bench", "-m", SparkCommand.model, "--model", SparkCommand.model, "-p", "8,0", "-n", "2,3",
      "-d", "0,70", "-t", "1,2", "-r", "1", "--no-limits", "-o", "jsonl",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let told = try result.jsonLines().map {
      "\($0["threads"]!) \($0["depth"]!) \($0["test"]!) \($0["tokens"]!)"
    }
    var expected: [String] = []
    for threads in [1, 2] {
      for depth in [0, 70] {
        for test in ["prefill 8", "decode 2", "decode 3"] {
          expected.append("\(threads) \(depth) \(test)")
        }
      }
    }
    #expect(told == expected + expected)
  }

  @Test("What an engine cannot change while it runs has an engine each")
  func engines() throws {
    let result = try run([
      SparkCommand.model, "-p", "40", "-n", "2", "-d", "100", "-w", "full,64", "--kv-type",
      "f16,f32", "-b", "16", "--no-limits", "--json",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let told = try result.jsonLines().map { "\($0["window"]!) \($0["kv_type"]!) \($0["test"]!)" }
    let expected = ["full f16", "full f32", "64 f16", "64 f32"].flatMap {
      ["\($0) prefill", "\($0) decode"]
    }
    #expect(told == expected)
  }

  @Test("JSON is one array, CSV one line of names and one for each record, and both say the same")
  func formats() throws {
    let work = [SparkCommand.model, "-p", "8", "-n", "2", "-d", "0,20", "--no-limits"]
    let array = try run(work + ["-o", "json"])
    let objects = try #require(
      try JSONSerialization.jsonObject(with: array.output) as? [[String: Any]])
    #expect(objects.count == 4)
    let csv = try run(work + ["--format", "csv"])
    let lines = csv.text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    #expect(lines.count == 5)
    #expect(Set(lines[0]) == Set(objects[0].keys))
    #expect(lines.allSatisfy { $0.count == lines[0].count })
    let column = try #require(lines[0].firstIndex(of: "depth"))
    #expect(lines.dropFirst().map { $0[column] } == objects.map { "\($0["depth"] as! Int)" })
  }

  @Test("For people it is a table")
  func table() throws {
    let result = try run([SparkCommand.model, "-p", "8", "-n", "2", "-d", "20"])
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.text.split(separator: "\n")
    let table = lines.filter { $0.hasPrefix("|") }
    #expect(table.count == 4)
    #expect(Set(table.map { $0.filter { $0 == "|" }.count }).count == 1)
    #expect(table[2].contains("prefill 8 @ 20"))
    #expect(table[3].contains("of read"))
    #expect(lines.contains { $0.hasPrefix("Limits of ") && $0.contains("GB/s") })
  }

  @Test("Checking one to sixteen tokens is measured against checking one")
  func verification() throws {
    let result = try run([
      SparkCommand.model, "-p", "0", "-n", "0", "--verify-curve", "-d", "30", "--no-limits",
      "--json",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let records = try result.jsonLines()
    #expect(records.allSatisfy { $0["test"] as? String == "verify" })
    #expect(records.map { $0["tokens"] as? Int } == Array(1...16))
    #expect(records[0]["relative_cost"] as? Double == 1)
    #expect(records.allSatisfy { ($0["relative_cost"] as? Double ?? 0) > 0 })
  }

  @Test("Tests of their own are told in every form that has no columns")
  func parallel() throws {
    let work = [SparkCommand.model, "-p", "8", "-n", "4", "-r", "1", "--parallel", "1,2"]
    let lines = try SparkCommand.run(["bench"] + work + ["--json"]).jsonLines()
    #expect(lines.map { $0["parallel"] as? Int } == [1, 2])
    #expect(lines.allSatisfy { $0["is_same"] as? Bool == true })
    let array = try SparkCommand.run(["bench"] + work + ["-o", "json"])
    let objects = try JSONSerialization.jsonObject(with: array.output) as? [[String: Any]]
    #expect(objects?.count == 2)
  }

  @Test("A load that nobody had time to ask anything under has no figures and does no harm")
  func shortLoad() throws {
    let result = try SparkCommand.run([
      "bench", SparkCommand.model, "--load", "1", "--streams", "1", "-t", "1",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.text.contains("first token"))
  }

  @Test(
    "Wrong usage exits with 64 and names the fault",
    arguments: [
      (["--load", "0"], "--load"),
      (["--load", "-1"], "--load"),
      (["-p", "x"], "'-p <n,n,...>'"),
      (["-p", "0", "-n", "0"], "nothing to measure"),
      (["--depth", "-4"], "--depth"),
      (["-t", "0"], "--threads"),
      (["-b", "0"], "--prefill-chunk"),
      (["-w", "some"], "'some'"),
      (["--kv-type", "f16,f8"], "--kv-type"),
      (["--format", "xml"], "--format"),
      (["-o", "md", "--json"], "--json"),
      (["--parallel", "2", "-p", "8,16"], "--parallel"),
      (["--parallel", "2", "-o", "csv"], "--parallel"),
      (["--repeat", "-d", "5"], "--depth"),
      (["--repeat", "--load", "5"], "--repeat"),
    ])
  func wrongUsage(arguments: [String], message: String) throws {
    let result = try SparkCommand.run(["bench"] + arguments)
    #expect(result.status == 64, "\(arguments)")
    #expect(result.errors.contains(message), "\(result.errors)")
    #expect(result.text.isEmpty)
  }

  @Test("A test that does not fit the model is refused before anything is measured")
  func tooLong() throws {
    let result = try run([SparkCommand.model, "-p", "8", "-n", "0", "-d", "1m"])
    #expect(result.status == 64)
    let long = try run([SparkCommand.model, "-p", "8", "-n", "0", "-d", "1024k"])
    #expect(long.status == 1)
    #expect(long.errors.hasPrefix("spark: \(SparkCommand.model): the longest test needs"))
    #expect(long.errors.filter(\.isNewline).count == 1)
    #expect(long.text.isEmpty)
  }
}
