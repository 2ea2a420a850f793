import Evaluation
import Foundation
import Generation
import Testing

@Suite("Reports of evaluations")
struct ReportTests {
  private func trial(
    _ arm: String, _ tokens: Int?, score: Double?, question: String = "q", reply: String? = nil
  ) -> Trial {
    let question = Question(
      id: question, kind: "k",
      bucket: Bucket(name: tokens.map { "\($0)" } ?? "none", tokens: tokens),
      expected: ["x"], judge: .contains, maxTokens: 1, prompt: { _ in .text("") })
    var trial = Trial(question, arm: arm, promptTokens: 1)
    trial.score = score
    trial.reply = reply
    return trial
  }

  @Test("Cells count by arm and bucket; partial answers are no success; the unasked are told apart")
  func cells() {
    var report = AnswerReport(arms: ["a", "b"])
    for score in [1.0, 1, 0.5, 0] { report.add(trial("a", 512, score: score)) }
    report.add(trial("a", 1024, score: 1))
    report.add(trial("b", 1024, score: nil))
    report.add(trial("a", nil, score: 1))
    let cell = report.cell("a", .bucket(Bucket(tokens: 512)))
    #expect(cell.correct == Proportion(successes: 2, trials: 4))
    #expect(cell.meanScore == 0.625)
    #expect(report.cell("a", .all).correct == Proportion(successes: 3, trials: 5))
    #expect(report.cell("b", .all).skipped == 1)
    #expect(report.sortedBuckets.map(\.name) == ["512", "1024", "none"])
    let table = report.markdown(rows: "length")
    #expect(table.contains("2/4 50% [15, 85], mean 63%"))
    #expect(
      table.split(separator: "\n").map { $0.filter { $0 == "|" }.count }.allSatisfy { $0 == 4 })
    #expect(table.contains("| –"))
  }

  @Test("A sweep makes an arm of each value, and draws a curve over them")
  func sweep() throws {
    let sweep = try #require(Sweep("recall=0,2,6"))
    let arms = sweep.arms([.window, .cascade], base: EngineOptions(), window: 256)
    #expect(
      arms.map(\.name) == ["window", "cascade recall=0", "cascade recall=2", "cascade recall=6"])
    #expect(arms.map(\.engine.recall.blocks) == [0, 0, 2, 6])
    #expect(arms.allSatisfy { $0.engine.window == .sliding(tokens: 256) })
    #expect(arms.map(\.memory.scope) == [.none, .session, .session, .session])
    let windows = try #require(Sweep("window=64,128")).arms(
      [.full, .window], base: EngineOptions(), window: 256)
    #expect(windows.map(\.engine.window) == [.full, .sliding(tokens: 64), .sliding(tokens: 128)])
    for wrong in [
      "", "recall", "recall=", "recall=1,,2", "window=0", "recall=-1", "sinks=1", "recall=2,2",
    ] {
      #expect(Sweep(wrong) == nil, "\(wrong)")
    }

    var report = AnswerReport(arms: arms.map(\.name))
    for (index, arm) in arms.enumerated() {
      for number in 0..<4 { report.add(trial(arm.name, 512, score: number < index ? 1 : 0)) }
    }
    let svg = report.svg(title: "t", xTitle: "x", arms: arms)
    // A curve through three values, and a line for what the option does not touch.
    #expect(svg.ranges(of: "<circle").count == 3 + 2)
    #expect(svg.contains(">cascade<") && svg.contains(">window<"))
    #expect(svg.contains(">blocks recalled<"))
  }

  @Test("A stranger's replies are compared with those without memory, letter by letter")
  func isolation() {
    var check = IsolationCheck()
    for (question, plain, strange) in [
      ("1", "Rome", "Rome"), ("2", "Rome", "rome"), ("3", "", "x"),
    ] {
      check.add(trial("none", 1, score: 0, question: question, reply: plain))
      check.add(trial("memory", 1, score: 0, question: question, reply: "other"))
      check.add(trial("stranger", 1, score: 0, question: question, reply: strange))
    }
    check.add(trial("none", 1, score: 0, question: "4", reply: "alone"))
    #expect(check.compared == 3)
    #expect(check.leaks == ["2", "3"])
  }

  @Test("Recurring words are those that occurred before, but not lately")
  func recurrence() {
    let pieces = ["The", " cat", ".", " A", " d", "og", ",", " Cat", "!", " DOG", "-", "dog"]
    let bytes: [[UInt8]] = pieces.map { Array($0.utf8) }
    func mask(_ distance: Int) -> [Int] {
      let mask = WordRecurrence.mask(pieces: bytes, beyond: distance)
      return mask.indices.filter { mask[$0] }
    }
    #expect(mask(0) == [7, 9, 11])
    // "dog" ended at 5 and is back at 9; "Cat" was at 1 and is back at 7; the last "dog" is 2 away.
    #expect(mask(3) == [7, 9])
    #expect(mask(4) == [7])
    #expect(mask(6) == [])
    // A word of several tokens is marked as a whole.
    let split: [[UInt8]] = ["fo", "x", " ", " ", "f", "ox"].map { Array($0.utf8) }
    let whole = [false, false, false, false, true, true]
    #expect(WordRecurrence.mask(pieces: split, beyond: 1) == whole)
  }

  @Test("Perplexity is that of the costs, of all tokens and of the recurring ones")
  func perplexity() throws {
    var report = PerplexityReport(
      arms: ["window", "full"], relevant: (0..<3000).map { $0 % 10 == 5 }, stretch: 1024)
    for index in 1..<3000 {
      report.add(index % 10 == 5 ? log(8) : log(2), arm: 0, at: index)
      if index < 2048 { report.add(index % 10 == 5 ? log(4) : log(2), arm: 1, at: index) }
    }
    #expect(abs(report.perplexity(0, relevantOnly: true)! - 8) < 1e-9)
    let sum: Double = 300 * log(8) + 2699 * log(2)
    let all = exp(sum / 2999)
    #expect(abs(report.perplexity(0)! - all) < 1e-9)
    #expect(report.perplexity(1) == nil)
    #expect(report.perplexity(1, in: 0..<1024) != nil)
    let difference = try #require(report.difference(1, from: 0, relevantOnly: true))
    #expect(abs(difference.mean + log(2)) < 1e-9)
    let overall = try #require(report.difference(1, from: 0, relevantOnly: false))
    #expect(overall.mean > -log(2) / 9 && overall.mean < -log(2) / 11)
    #expect(report.segments == [0..<1024, 1024..<2048, 2048..<3000])
    #expect(report.markdown(baseline: 0).contains("| 2048 to 3000"))
  }

  @Test("Passages begin anew, and are counted together by the place within them")
  func passages() throws {
    // Two passages of 600 and one of 300 tokens; the second arm has read 500 of each.
    let relevant = (0..<1500).map { $0 % 600 == 7 }
    var report = PerplexityReport(
      arms: ["cascade", "full"], relevant: relevant, passage: 600, stretch: 200)
    for index in 0..<1500 where index % 600 > 0 {
      let place = index % 600
      report.add(place < 200 ? log(2) : log(8), arm: 0, at: index)
      if place < 500 { report.add(place < 200 ? log(2) : log(4), arm: 1, at: index) }
    }
    #expect(report.segments == [0..<200, 200..<400, 400..<600])
    #expect(abs(report.perplexity(0, in: 0..<200)! - 2) < 1e-9)
    #expect(abs(report.perplexity(0, in: 200..<400)! - 8) < 1e-9)
    #expect(report.perplexity(1, in: 400..<600) == nil)
    let ratio = try #require(report.ratio(0, to: 1))
    // 499 tokens of each long passage and 299 of the short one; 300 and 100 of them cost twice.
    #expect(ratio.tokens == 2 * 499 + 299)
    let expected = exp(700 * log(2.0) / Double(ratio.tokens))
    #expect(abs(ratio.ratio.mean - expected) < 1e-9)
    #expect(ratio.ratio.low < expected && ratio.ratio.high > expected)
    #expect(!ratio.isWithinAllowance)
    #expect(report.ratio(1, to: 1)?.isWithinAllowance == true)
    #expect(abs(report.ratio(0, to: 1, relevantOnly: true)!.ratio.mean - 1) < 1e-12)
    let table = report.markdown(baseline: 0, full: 1)
    #expect(table.contains("| at most × 1.02 |") && table.contains("| 1297 "))
    #expect(!report.markdown(baseline: 0).contains("1.02"))
    let records = report.records(baseline: 0, full: 1)
    #expect(records.compactMap(\.ratioToFull) == [ratio])
  }

  @Test("A token's cost is its negative log-probability")
  func cost() {
    let logits: [Float] = [1, 2, 3, -.infinity]
    let sum = exp(1.0) + exp(2) + exp(3)
    #expect(abs(PerplexityRun.cost(of: 1, logits.span) + log(exp(2) / sum)) < 1e-6)
    #expect(PerplexityRun.cost(of: 3, logits.span) == .infinity)
  }

  @Test("Harm is told with its mean, its worst, and how often the choice changes")
  func harm() throws {
    var report = HarmReport(arms: ["cascade"])
    #expect(report.figures("cascade") == nil)
    for passage in 0..<10 {
      report.add(
        (0..<10).map {
          HarmReport.Token(
            divergence: passage == 9 && $0 == 0 ? 5 : 0.01, changesTop: $0 == 3, extraCost: 0.1)
        }, arm: "cascade")
    }
    let figures = try #require(report.figures("cascade"))
    #expect(figures.tokens == 100 && figures.passages == 10)
    #expect(abs(figures.meanDivergence.mean - 0.0599) < 1e-9)
    #expect(figures.greatestDivergence == 5)
    #expect(figures.divergence99 == 0.01)
    #expect(figures.topChanges == 10)
    #expect(abs(figures.perplexityRatio.mean - exp(0.1)) < 1e-9)
    #expect(report.markdown.contains("10.0% ["))
  }
}
