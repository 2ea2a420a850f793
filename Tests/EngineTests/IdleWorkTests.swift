import Foundation
import Generation
import Testing

@Suite struct IdleWorkTests {
  @Test("between replies an engine takes in what another one has read")
  func refresh() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "spark-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let options = EngineOptions(store: folder.path)
    let (first, second) = (
      try EmbeddedModel.engine(options), try EmbeddedModel.engine(options)
    )
    let request = GenerationOptions(maxTokens: 1, sampling: .greedy, seed: 1)
    // One text for each attempt: what the first engine has read itself would prove nothing.
    let texts = (0..<10).map { number in
      String(repeating: "Number \(number) and \(number * 7) went to the forest. ", count: 20)
    }
    for text in texts { _ = try await WholeReply(second.stream(.text(text), options: request)) }
    for text in texts {
      let reply = try await WholeReply(first.stream(.text(text), options: request))
      if try #require(reply.summary).memory.cached > 0 { return }
      try await Task.sleep(for: .milliseconds(1500))
    }
    Issue.record("nothing that the second engine has read was known to the first")
  }
}
