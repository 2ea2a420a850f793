import Foundation
import TestSupport
import Testing

@Suite("cache codecs")
struct CacheCodecsTests {
  @Test("On the embedded model, exact loses nothing and the others stay within their bounds")
  func codecs() throws {
    let sentences = (0..<40).map {
      "On day \($0) the fox found \($0 * 7 % 11) eggs near the river. "
    }
    let file = FileManager.default.temporaryDirectory
      .appending(path: "spark-codecs-\(UUID().uuidString).txt")
    try sentences.joined().write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let result = try SparkCommand.run([
      "cache", "codecs", "--json", "--model", SparkCommand.model, "--text", file.path,
      "--contexts", "2", "--context-tokens", "128", "--continue", "32", "--repetitions", "1",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let records = try result.jsonLines()
    #expect(records.map { $0["codec"] as? String } == ["raw", "exact", "int8", "int4"])
    // Floors below what mixed text gives, which is in docs/kv-codecs.md.
    for (record, (least, largestDivergence)) in zip(
      records, [(1.0, 0.0), (1.15, 0.0), (2.2, 0.01), (4.0, 0.05)])
    {
      let codec = record["codec"] as? String ?? ""
      let quality = try #require(record["quality"] as? [String: Any])
      #expect(record["frames"] as? Int == 2 * 2 * 10, "\(codec)")
      #expect(try #require(record["ratio"] as? Double) >= least, "\(codec)")
      #expect(try #require(quality["mean_kld"] as? Double) <= largestDivergence, "\(codec)")
      #expect(quality["positions"] as? Int == 2 * 32, "\(codec)")
      #expect(record["is_lossless"] as? Bool == (largestDivergence == 0), "\(codec)")
    }
    #expect(records[1]["max_error"] as? Double == 0)
  }

  @Test("A text that is too short, and values out of range, are refused in one line")
  func refusals() throws {
    let file = FileManager.default.temporaryDirectory
      .appending(path: "spark-codecs-\(UUID().uuidString).txt")
    try "Too short.".write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let base = ["cache", "codecs", "--model", SparkCommand.model, "--text", file.path]
    let short = try SparkCommand.run(base)
    #expect(short.status == 1 && short.errors.contains("the text has"))
    for wrong in [["--level", "20"], ["--contexts", "0"], ["--context-tokens", "63"]] {
      #expect(try SparkCommand.run(base + wrong).status == 64, "\(wrong)")
    }
  }
}
