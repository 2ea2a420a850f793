import Foundation
import TestSupport
import Testing

@Suite("spark hardware")
struct HardwareTests {
  @Test("A captured machine is described, and what is missing is unknown")
  func page() throws {
    try withTemporaryDirectory { directory in
      let capture = directory.appending(path: "machine.txt")
      try """
      spark hardware capture 1
      proc/self/status = Cpus_allowed_list: 0-3
      sys/class/thermal/thermal_zone0/type = cpu-thermal
      sys/class/thermal/thermal_zone0/temp = 61500
      """.write(to: capture, atomically: true, encoding: .utf8)
      let page = try SparkCommand.run(["hardware", "--root", capture.path])
      #expect(page.status == 0)
      #expect(page.text.contains("cpu-thermal 61.5 °C"))
      #expect(page.text.contains("clock         unknown"))
      let json = try SparkCommand.run(["hardware", "--root", capture.path, "--json"]).jsonLines()
      let advice = json.first?["recommendation"] as? [String: Any]
      #expect(advice?["threads"] as? Int == 4)
      let again = try SparkCommand.run(["hardware", "--root", capture.path, "--capture", "-"])
      #expect(again.text.contains("thermal_zone0/temp = 61500"))
    }
  }

  @Test("A root that is not there is refused in one sentence")
  func missingRoot() throws {
    let result = try SparkCommand.run(["hardware", "--root", "/nonexistent"])
    #expect(result.status == 1)
    #expect(result.errors.hasPrefix("spark: /nonexistent cannot be read"))
  }

  @Test("Two things at once are wrong usage")
  func exclusive() throws {
    #expect(try SparkCommand.run(["hardware", "--watch", "--capture", "-"]).status == 64)
  }
}
