import Foundation
import Generation
import Model
import Testing

@Suite("Beam search")
struct BeamSearchTests {
  private func model(_ random: inout SeededGenerator, vocabulary: ClosedRange<Int>) -> TableModel {
    let vocabulary = Int.random(in: vocabulary, using: &random)
    let ends = Set(
      (0..<TokenID(vocabulary)).filter { _ in Int.random(in: 0..<3, using: &random) == 0 })
    return TableModel(
      seed: random.next(), vocabulary: vocabulary, ends: ends,
      spread: Double.random(in: 0...3, using: &random))
  }

  private let alphas = [0, 0.6, 1, 2.5]

  @Test(
    "A search that loses no beginning finds the best of all replies there are, in their order",
    arguments: 0..<150 as Range<UInt64>)
  func exhaustive(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    // At most 16 beginnings of one token less than the limit.
    let shape = [(2...2, 4), (3...3, 3), (4...4, 3), (16...16, 2), (5...30, 1)].randomElement(
      using: &random)!
    let model = model(&random, vocabulary: shape.0)
    let alpha = alphas.randomElement(using: &random)!
    let options = BeamOptions(
      width: 16, best: Int.random(in: 1...16, using: &random), lengthPenalty: alpha,
      stopping: .certain)
    let search = model.search(options, limit: shape.1)
    let all = model.replies(limit: shape.1).map {
      (tokens: $0.tokens, score: $0.logProbability / pow(Double($0.tokens.count), alpha))
    }.sorted { $0.score > $1.score }
    let found = search.hypotheses
    #expect(found.count == min(options.best, all.count), "seed \(seed)")
    for (found, expected) in zip(found, all) {
      #expect(abs(found.score - expected.score) < 1e-12, "seed \(seed)")
    }
    // Equal scores aside, these are the texts too.
    if let first = found.first, all.count < 2 || all[0].score > all[1].score + 1e-12 {
      #expect(search.tree.tokens(to: first.node) == all[0].tokens, "seed \(seed)")
    }
  }

  @Test(
    "Once it is certain, going on would have found nothing better",
    arguments: 0..<200 as Range<UInt64>)
  func certain(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let model = model(&random, vocabulary: 2...12)
    let width = Int.random(in: 2...6, using: &random)
    let best = Int.random(in: 1...width, using: &random)
    let alpha = alphas.randomElement(using: &random)!
    let limit = Int.random(in: 1...9, using: &random)
    let options = BeamOptions(width: width, best: best, lengthPenalty: alpha, stopping: .certain)
    var early: [[TokenID]] = []
    let stopped = model.search(options, limit: limit)
    early = stopped.hypotheses.map { stopped.tree.tokens(to: $0.node) }
    // With as many wanted as can be kept, the search goes on for them; the first of them are the same.
    var all = options
    all.best = width
    let longer = model.search(all, limit: limit)
    let late = longer.hypotheses.map { longer.tree.tokens(to: $0.node) }
    #expect(Array(late.prefix(best)) == early, "seed \(seed): \(options)")
    #expect(longer.length >= stopped.length)
  }

  @Test(
    "A beam scores no better in the end than its bound said", arguments: 0..<100 as Range<UInt64>)
  func bound(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let model = model(&random, vocabulary: 2...6)
    let alpha = alphas.randomElement(using: &random)!
    let limit = Int.random(in: 2...6, using: &random)
    let options = BeamOptions(width: 4, lengthPenalty: alpha, stopping: .certain)
    var bounds: [[TokenID]: Double] = [:]
    let search = model.search(options, limit: limit) { search, _ in
      for beam in search.beams {
        bounds[search.tree.tokens(to: beam.node)] = search.score(beam.logProbability, length: limit)
      }
    }
    for ending in search.hypotheses {
      let text = search.tree.tokens(to: ending.node)
      for length in 1..<max(2, text.count) {
        if let bound = bounds[Array(text.prefix(length))] { #expect(ending.score <= bound) }
      }
    }
    #expect(!bounds.isEmpty || search.length == 1)
  }

  @Test(
    "As many beams go on as there can be, however many of the likeliest tokens end a text",
    arguments: 0..<100 as Range<UInt64>)
  func width(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var model = model(&random, vocabulary: 12...60)
    // All but a few.
    model = TableModel(
      seed: seed, vocabulary: model.vocabulary,
      ends: Set(0..<TokenID(model.vocabulary)).subtracting([3, 7, 11]), spread: model.spread)
    let groups = Int.random(in: 1...2, using: &random)
    let width = groups * Int.random(in: 1...4, using: &random)
    let options = BeamOptions(
      width: width, best: width, groups: groups, diversityPenalty: groups > 1 ? 1 : 0,
      stopping: .certain)
    var before = groups
    _ = model.search(options, limit: 8) { search, step in
      if !search.isOver, Set(search.beams.map(\.group)).count == groups {
        #expect(step.live.count == min(width, 3 * before), "seed \(seed)")
      }
      before = search.beams.count
    }
  }

  @Test("A beam is asked for more candidates only while too few of them go on")
  func candidates() {
    let search = BeamSearch(BeamOptions(width: 2), limit: 9)
    func asked(_ vocabulary: Int, ends: Range<TokenID>) -> (counts: [Int], found: Int) {
      var counts: [Int] = []
      let found = search.candidates(ends: ends.contains) { count in
        counts.append(count)
        return (0..<min(count, vocabulary)).map {
          LikelyToken(token: TokenID($0), logProbability: -Double($0))
        }
      }
      return (counts, found.count)
    }
    #expect(asked(100, ends: 0..<2) == ([4], 4))
    #expect(asked(100, ends: 0..<12) == ([4, 8, 16], 16))
    #expect(asked(10, ends: 0..<10) == ([4, 8, 16], 10))
    #expect(asked(100_000, ends: 0..<100_000).found == BeamSearch.mostCandidates)
  }

  @Test("One beam is greedy decoding", arguments: 0..<60 as Range<UInt64>)
  func greedy(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let model = model(&random, vocabulary: 2...40)
    for stopping in BeamOptions.Stopping.allCases {
      let search = model.search(
        BeamOptions(
          width: 1, lengthPenalty: alphas.randomElement(using: &random)!, stopping: stopping),
        limit: 12)
      #expect(search.tree.tokens(to: search.best!.node) == model.greedy(limit: 12), "seed \(seed)")
    }
  }

  @Test(
    "What all agree on is never taken back, and the end of a reply is told last",
    arguments: 0..<200 as Range<UInt64>)
  func agreement(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let model = model(&random, vocabulary: 2...8)
    let groups = [1, 1, 2, 3].randomElement(using: &random)!
    let width = groups * Int.random(in: 1...4, using: &random)
    let options = BeamOptions(
      width: width, best: Int.random(in: 1...width, using: &random),
      lengthPenalty: alphas.randomElement(using: &random)!, groups: groups,
      diversityPenalty: groups > 1 ? 1 : 0,
      stopping: BeamOptions.Stopping.allCases.randomElement(using: &random)!)
    var told: [TokenID] = []
    var (early, lengths) = (0, [Int]())
    let search = model.search(options, limit: 12) { search, _ in
      let news = search.agreed(beyond: told.count)
      told += news.map(search.tree.token(of:))
      if !search.isOver { early = told.count }
      lengths.append(told.count)
    }
    let winner = search.tree.tokens(to: search.best!.node)
    #expect(told == winner, "seed \(seed): \(options)")
    #expect(early < winner.count && search.hypotheses[0] == search.best)
    #expect(lengths == lengths.sorted())
  }

  @Test("Some of a reply is told before it has ended")
  func streams() {
    var early = 0
    for seed in 0..<40 as Range<UInt64> {
      let model = TableModel(seed: seed, vocabulary: 6, ends: [0], spread: 3)
      var told = 0
      _ = model.search(BeamOptions(width: 3), limit: 20) { search, _ in
        told += search.agreed(beyond: told).count
        if !search.isOver { early += told > 0 ? 1 : 0 }
      }
    }
    #expect(early > 40)
  }

  @Test("Of equals the lowest token goes on first, then that of the first beam")
  func ties() {
    let model = TableModel(seed: 1, vocabulary: 5, ends: [], spread: 0)
    var steps: [[BeamSearch.Extension]] = []
    _ = model.search(BeamOptions(width: 3), limit: 3) { _, step in steps.append(step.live) }
    #expect(steps[0].map(\.token) == [0, 1, 2] && steps[0].map(\.parent) == [0, 0, 0])
    #expect(steps[1].map(\.token) == [0, 0, 0] && steps[1].map(\.parent) == [0, 1, 2])
  }

  @Test("What ends takes no beam's place, and is kept only among the first")
  func endings() {
    var search = BeamSearch(
      BeamOptions(width: 2, best: 2, lengthPenalty: 0, stopping: .first), limit: 9)
    func likely(_ pairs: [(TokenID, Double)]) -> [LikelyToken] {
      pairs.map { LikelyToken(token: $0.0, logProbability: $0.1) }
    }
    let ends: (Int, TokenID) -> StopReason? = { _, token in token >= 10 ? .endOfText : nil }
    // 11 comes third, behind as many as there are beams.
    let step = search.advance([likely([(10, -1), (1, -2), (11, -3), (2, -4)])], ends: ends)
    #expect(step.live.map(\.token) == [1, 2] && step.best?.token == 10)
    #expect(search.hypotheses.map(\.logProbability) == [-1])
    let last = search.advance(
      [
        likely([(12, -0.5), (3, -1), (4, -2), (5, -3)]),
        likely([(6, -1), (7, -1), (8, -2), (9, -2)]),
      ],
      ends: ends)
    #expect(last.best == nil && last.live.isEmpty && search.isOver)
    #expect(search.hypotheses.map(\.logProbability) == [-1, -2.5])
  }

  @Test(
    "Groups are kept from each other's tokens, and each has one of the best",
    arguments: 0..<40 as Range<UInt64>)
  func diversity(seed: UInt64) {
    let model = TableModel(seed: seed, vocabulary: 30, ends: [0])
    let apart = BeamOptions(width: 4, best: 4, groups: 4, diversityPenalty: 1000)
    var firsts: [TokenID] = []
    let search = model.search(apart, limit: 6) { search, step in
      if search.length == 1 { firsts = step.live.map(\.token) }
    }
    // One of the four may have ended at once.
    #expect(Set(firsts).count == firsts.count && firsts.count >= 3)
    let texts = search.hypotheses.map { search.tree.tokens(to: $0.node) }
    #expect(texts.count == 4 && Set(texts.map(\.first)).count == 4, "seed \(seed)")
    // A penalty decides what goes on, and is no part of what is told.
    for ending in search.hypotheses {
      let text = search.tree.tokens(to: ending.node)
      let total = text.indices.reduce(0.0) {
        $0 + model.logProbabilities(behind: Array(text[..<$1]))[Int(text[$1])]
      }
      #expect(abs(total - ending.logProbability) < 1e-9)
    }
    let scores = search.hypotheses.map(\.score)
    #expect(scores == scores.sorted(by: >))
  }

  @Test("Groups that come to say the same are told once")
  func sameTwice() {
    let model = TableModel(seed: 3, vocabulary: 2, ends: [1], spread: 3)
    let options = BeamOptions(width: 4, best: 4, groups: 2, diversityPenalty: 0.01)
    let search = model.search(options, limit: 4)
    let texts = search.hypotheses.map { search.tree.tokens(to: $0.node) }
    #expect(Set(texts).count == texts.count && !texts.isEmpty)
  }

  @Test("Options outside their range are refused, each with what it may be")
  func refusals() {
    func message(_ options: BeamOptions) -> String? {
      do throws(OptionsError) {
        try GenerationOptions(beams: options).validate()
        return nil
      } catch {
        return error.description
      }
    }
    #expect(message(BeamOptions(width: 0)) == "beams is 0; it must be between 1 and 16.")
    #expect(message(BeamOptions(width: 17))?.contains("between 1 and 16") == true)
    #expect(message(BeamOptions(width: 2, best: 3))?.contains("number of beams, 2") == true)
    #expect(message(BeamOptions(lengthPenalty: -1))?.contains("lengthPenalty") == true)
    #expect(message(BeamOptions(lengthPenalty: .nan))?.contains("lengthPenalty") == true)
    #expect(message(BeamOptions(groups: 3, diversityPenalty: 1))?.contains("divides") == true)
    #expect(message(BeamOptions(groups: 0))?.contains("beamGroups") == true)
    #expect(message(BeamOptions(groups: 2))?.contains("above 0") == true)
    #expect(message(BeamOptions(diversityPenalty: 1))?.contains("one group") == true)
    #expect(message(BeamOptions(width: 16, best: 16, groups: 4, diversityPenalty: 0.5)) == nil)
  }
}
