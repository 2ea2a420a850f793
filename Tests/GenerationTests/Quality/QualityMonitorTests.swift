import Generation
import Testing

@Suite struct QualityMonitorTests {
  /// Feeds a monitor with tokens and, where it wants them, entropies.
  private func watch(
    _ tokens: [TokenID], limit: Int? = nil, entropy: (Int) -> Float = { _ in 2 }
  ) -> (account: QualityAccount, told: [Int: QualityKinds]) {
    var monitor = QualityMonitor(vocabularySize: 4096, limit: limit)
    var told: [Int: QualityKinds] = [:]
    for (index, token) in tokens.enumerated() {
      let measured = monitor.measures(at: index) ? entropy(index) : nil
      let new = monitor.note(token, entropy: measured)
      if !new.isEmpty { told[index] = new }
    }
    return (monitor.account, told)
  }

  /// Tokens of which none repeats.
  private func text(_ count: Int, from first: Int = 10_000) -> [TokenID] {
    (0..<count).map { TokenID(first + $0) }
  }

  private func loop(_ period: Int, _ count: Int, from first: Int = 0) -> [TokenID] {
    (0..<count).map { TokenID(first + $0 % period) }
  }

  @Test("an ordinary text has nothing but its mean entropy")
  func ordinary() {
    let (account, told) = watch(text(3000))
    #expect(account.findings.isEmpty && told.isEmpty)
    #expect(account.entropy == 2)
    #expect(watch([]).account == QualityAccount())
  }

  @Test("a loop is told once, and known by where it begins, what it repeats and how far it goes")
  func loops() {
    let (account, told) = watch(
      text(100) + loop(7, 150) + text(50, from: 20_000) + loop(40, 130, from: 500)
        + text(9, from: 30_000))
    #expect(told == [163: [.init(.loop)], 419: [.init(.loop)]])
    #expect(account.findings.map(\.kind) == [.loop, .loop])
    #expect(account.findings.map(\.firstToken) == [100, 300])
    #expect(account.findings.map(\.tokens) == [150, 130])
    #expect(account.findings.map(\.period) == [7, 40])
    #expect(account.findings[1].repetitions == 3.25)
  }

  @Test("entropies that stay low or high are told with the tokens that they are of")
  func entropies() {
    let (account, told) = watch(text(1000)) {
      (200..<504).contains($0) ? 0.001 : (600..<800).contains($0) ? 8 : 2
    }
    #expect(account.findings.map(\.kind) == [.collapse, .explosion])
    #expect(told == [320: .init(.collapse), 680: .init(.explosion)])
    let (collapse, explosion) = (account.findings[0], account.findings[1])
    #expect(collapse.firstToken == 200 && collapse.tokens == 297)
    // The mean of a stretch is too high once two thirds of it are, and as long.
    #expect(explosion.firstToken == 560 && explosion.tokens == 273)
  }

  @Test("a reply beyond its limit is endless, and one that loops until the context is full")
  func endless() {
    let (account, told) = watch(text(500), limit: 400)
    #expect(told == [400: .init(.endless)])
    #expect(account.findings.count == 1)
    #expect(account.findings[0].firstToken == 400 && account.findings[0].tokens == 100)
    for (isFull, tokens, kinds) in [
      (true, loop(5, 200), [QualityKind.loop, .endless]), (false, loop(5, 200), [.loop]),
      (true, text(200), []), (true, loop(5, 200) + text(1), [.loop]),
    ] {
      var monitor = QualityMonitor(vocabularySize: 4096)
      for token in tokens { _ = monitor.note(token, entropy: nil) }
      monitor.finish(isContextFull: isFull)
      #expect(monitor.account.findings.map(\.kind) == kinds)
    }
  }

  @Test("what is found is told up to a number")
  func most() {
    let tokens = (0..<30).flatMap { loop(3, 70, from: 10 * $0) }
    let (account, told) = watch(tokens)
    #expect(account.findings.count == QualityAccount.most)
    // Each once, those that there is no room for too.
    #expect(told.count == 30 && told.values.allSatisfy { $0 == .init(.loop) })
  }

  @Test("what else goes wrong has its place, and is told, however much was found before")
  func full() {
    let loops = (0..<20).flatMap { loop(3, 70, from: 10 * $0) }
    let (account, told) = watch(loops + text(600), limit: 1900) { $0 < 1500 ? 2 : 0.001 }
    #expect(account.findings.count == QualityAccount.most + 2)
    #expect(account.findings.suffix(2).map(\.kind) == [.collapse, .endless])
    #expect(account.findings.last?.tokens == 100)
    #expect(told[1900] == .init(.endless))
    var monitor = QualityMonitor(vocabularySize: 4096)
    for token in loops { _ = monitor.note(token, entropy: nil) }
    monitor.finish(isContextFull: true)
    #expect(monitor.account.findings.last?.kind == .endless)
    #expect(monitor.account.findings.last?.firstToken == 1330)
  }

  @Test("all that goes wrong as of one token is told, so that any of it can end the reply")
  func several() {
    // A loop of 5 is one at its 64th token, where the reply becomes too long too.
    let (_, told) = watch(text(57) + loop(5, 100), limit: 120) { _ in 0.001 }
    #expect(told[120] == [.init(.loop), .init(.collapse), .init(.endless)])
  }

  @Test("replies count as endless by the median of those before, once there are enough")
  func lengths() {
    var lengths = ReplyLengths()
    for _ in 0..<7 {
      lengths.note(100)
      #expect(lengths.limit == nil)
    }
    lengths.note(100_000)
    #expect(lengths.limit == 400)
    for _ in 0..<1000 { lengths.note(10) }
    #expect(lengths.limit == 256)
    for _ in 0..<40 { lengths.note(200) }
    #expect(lengths.limit == 800)
  }
}
