import Foundation
import Glibc
import TestSupport
import Testing

@Suite("spark embed")
struct EmbedTests {
  private func texts(_ result: SparkCommand.Result) throws -> [String] {
    try result.jsonLines().compactMap { $0["text"] as? String }
  }

  @Test(
    "Each line is a text, whatever ends it",
    arguments: ["one fox\ntwo dogs\n\nthree", "\u{feff}one fox\r\ntwo dogs\r\n\r\nthree\r\n"])
  func lines(input: String) throws {
    let result = try SparkCommand.run(["embed", "-t", "1"], input: Data(input.utf8))
    #expect(result.status == 0)
    #expect(try texts(result) == ["one fox", "two dogs", "three"])
    let given = try SparkCommand.run(["embed", "-t", "1", "one fox", "two dogs", "three"])
    #expect(given.text == result.text)
  }

  @Test("A text is answered while the input is still open, and what is no text is told by its line")
  func pipe() throws {
    let process = try SparkProcess(["embed", "-t", "1"])
    process.say("one fox")
    #expect(process.read(lines: 1, for: 60))
    #expect(process.end().status == 0)
    let broken = try SparkCommand.run(
      ["embed", "-t", "1"], input: Data("fox\n".utf8) + Data([0xff, 0x0a]))
    #expect(broken.status == 1)
    #expect(broken.errors == "spark: line 2 of standard input is not UTF-8 text.\n")
    #expect(try texts(broken) == ["fox"])
  }

  @Test("Ctrl-C ends it with exit code 130, in a text and while it waits for one")
  func interrupt() throws {
    let long = String(repeating: "The fox and the dog went to the river. ", count: 80)
    for arguments in [[String](repeating: long, count: 200), []] {
      let process = try SparkProcess(["embed", "-t", "1"] + arguments)
      if arguments.isEmpty { process.say("Once") }
      #expect(process.read(lines: 1, for: 60))
      kill(process.identifier, SIGINT)
      // Its input stays open meanwhile.
      process.read(for: 60)
      let result = process.end()
      #expect(result.status == 130 && result.errors.isEmpty)
    }
  }
}
