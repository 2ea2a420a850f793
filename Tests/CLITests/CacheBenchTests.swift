import Foundation
import TestSupport
import Testing

@Suite("cache bench")
struct CacheBenchTests {
  private let small = [
    "cache", "bench", "--blocks", "16", "--layers", "2", "--heads", "1", "--head-dimension", "16",
    "--step", "1", "--step-frames", "2",
  ]

  @Test("Every tier is measured, as a table and as JSON lines, and the folder is left empty")
  func measuring() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = try SparkCommand.run(small + ["--directory", folder, "--json"])
    #expect(result.status == 0, "\(result.errors)")
    let records = try result.jsonLines()
    let tests = records.compactMap { $0["test"] as? String }
    for tier in [
      "L1: lend", "L2: fetch", "L3: fetch", "prefetch: latency hidden", "writing", "idle",
    ] {
      #expect(tests.contains { $0.hasPrefix(tier) }, "\(tier) is missing in \(tests)")
    }
    for record in records { #expect(record["median"] is Double, "\(record)") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    let table = try SparkCommand.run(small + ["--codec", "int8", "--unmapped"])
    #expect(table.status == 0, "\(table.errors)")
    #expect(
      String(decoding: table.output, as: UTF8.self).split(separator: "\n").count == records.count
        + 3)
  }

  @Test("A folder that is not there, and values out of range, are refused in one line")
  func refusals() throws {
    let missing = try SparkCommand.run(small + ["--directory", "/nowhere/at/all"])
    #expect(missing.status == 1 && missing.errors.contains("/nowhere/at/all"))
    for wrong in [["--blocks", "3"], ["--head-dimension", "17"], ["--codec", "int3"]] {
      #expect(try SparkCommand.run(["cache", "bench"] + wrong).status == 64, "\(wrong)")
    }
  }
}
