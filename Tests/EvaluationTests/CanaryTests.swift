import Evaluation
import Generation
import Testing

@Suite("Canaries")
struct CanaryTests {
  private func outcome(
    _ asker: CanaryRun.Asker, differs: Bool = false, isTold: Bool = false
  ) -> CanaryRun.Outcome {
    .init(
      asker: asker, namespace: "n", key: "k", reply: "r", expected: "e", differs: differs,
      isTold: isTold, recalls: asker == .owner)
  }

  @Test("A leak is a difference, or a secret told to another than its owner")
  func report() {
    var report = CanaryReport()
    for _ in 0..<300 { report.add(outcome(.stranger)) }
    for _ in 0..<10 { report.add(outcome(.owner, isTold: true)) }
    #expect(report.leaks == 0)
    #expect(report.row(.owner).telling == 10 && report.row(.owner).recalling == 10)
    #expect(report.summary.requests == 300 && report.summary.ruleOfThree == 0.01)
    #expect(abs(report.summary.wilsonUpper - 0.01264) < 1e-4)
    #expect(report.markdown.contains("0 leaks in 300 requests"))

    report.add(outcome(.stranger, isTold: true))
    report.add(outcome(.neighbour, differs: true))
    #expect(report.leaks == 2 && report.examples.count == 2)
    #expect(report.summary.leaks == 2 && report.summary.ruleOfThree == nil)
    // An owner whose reply others touched is no request of a stranger's, and a leak all the same.
    report.add(outcome(.owner, differs: true))
    #expect(report.summary.leaks == 2 && report.leaks == 3)
  }

  @Test("Secrets are told and asked for in the same words, and no key is used twice")
  func canaries() {
    var random = SeededGenerator(seed: 4)
    let canaries = Canary.drawn(5, namespaces: 6, using: &random).joined()
    #expect(canaries.count == 30 && Set(canaries.map(\.key)).count == 30)
    for canary in canaries {
      #expect(canary.told[0].content.contains("the code for the \(canary.key) is \(canary.secret)"))
      #expect(canary.question.content.contains("the code for the \(canary.key)"))
      #expect(canary.isTold(in: "It is \(canary.secret)."))
      #expect(!canary.isTold(in: "It is \(canary.secret)1."))
    }
  }

  private static func report(requests: Int, leaks: Bool) async throws -> CanaryReport {
    var report = CanaryReport()
    try await CanaryRun(
      requests: requests, namespaces: 2, secrets: 2, path: RunTests.model,
      engine: EngineOptions(window: .sliding(tokens: 256), maxSequences: 1), maxTokens: 16,
      leaks: leaks
    ).run { report.add($0) }
    return report
  }

  @Test("On the embedded model owners recall their secrets, and nobody else is touched by them")
  func isolated() async throws {
    // Two rounds.
    let report = try await Self.report(requests: 12, leaks: false)
    #expect(report.leaks == 0, "\(report.examples)")
    #expect(report.summary.requests == 12)
    #expect(report.row(.owner).recalling > 0 && report.row(.owner).telling > 0)
    #expect(report.row(.stranger).recalling == 0)
  }

  @Test("A request that is made in the owner's namespace is seen as the leak it is")
  func leak() async throws {
    let report = try await Self.report(requests: 8, leaks: true)
    #expect(report.row(.stranger).requests == 4 && report.row(.stranger).leaks == 4)
    #expect(report.row(.neighbour).telling > 0)
    #expect(report.summary.leaks > 4)
  }
}
