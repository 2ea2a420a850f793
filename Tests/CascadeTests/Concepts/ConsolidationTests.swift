import Cache
import Cascade
import Model
import TestSupport
import Testing

@Suite("What becomes a concept")
struct ConsolidationTests {
  private static let now: Int64 = 1_000_000_000
  private static let day: Int64 = 86_400

  private static func consolidation(
    budget: Int = 1 << 30, now: Int64 = now
  ) -> Consolidation {
    Consolidation(
      rarity: Words.rarity, marks: Words.marks,
      options: ConsolidationOptions(budgetBytes: budget), now: now, bytesPerToken: 100)
  }

  private static func block(_ number: Int) -> BlockIdentity {
    BlockIdentity(high: 7, low: UInt64(number))
  }

  private static func source(
    _ text: [TokenID], block number: Int, session: UInt64 = 1, position: Int = 0, age: Int64 = 0
  ) -> Consolidation.Source {
    let tokens = Array(Words.turn(text).dropLast())
    let statement = StatementCutter(marks: Words.marks, limit: 100).statements(of: tokens)[0]
    return Consolidation.Source(
      statement: statement, links: [Concept.Link(block: block(number), session: session)],
      session: session, position: position, time: now - age)
  }

  private static let fact: [TokenID] = [500, 501, 502, 503, 5]

  @Test("What two sessions say becomes one concept, linked to both; what one says does not")
  func repeated() throws {
    let sources = [
      Self.source(Self.fact, block: 1, session: 1, age: Self.day),
      Self.source([500, 501, 502, 503, 900, 5], block: 2, session: 2),
      Self.source([600, 601, 602, 5], block: 3, session: 2, position: 40),
    ]
    let drafts = Self.consolidation().drafts(from: sources, concepts: [], recalled: [:])
    let draft = try #require(drafts.first)
    #expect(drafts.count == 1)
    #expect(draft.links.map(\.block) == [Self.block(1), Self.block(2)])
    #expect(draft.links.map(\.session) == [1, 2])
    // Of two that resemble each other alike, the newer one.
    #expect(draft.tokens == Words.turn([500, 501, 502, 503, 900, 5]).dropLast())
    #expect(draft.members == 2 && abs(draft.count.weight - 1.977) < 0.001)
    #expect(
      Self.consolidation().drafts(from: Array(sources.dropFirst()), concepts: [], recalled: [:])
        .isEmpty)
  }

  @Test("In one session, the same counts as said again only where it is far away")
  func distance() {
    for (position, count) in [(255, 0), (256, 1), (5000, 1)] {
      let sources = [
        Self.source(Self.fact, block: 1), Self.source(Self.fact, block: 2, position: position),
      ]
      #expect(
        Self.consolidation().drafts(from: sources, concepts: [], recalled: [:]).count == count)
    }
  }

  @Test("What replies keep recalling becomes a concept though it was said once, until that fades")
  func recalled() {
    let sources = [
      Self.source(Self.fact, block: 1), Self.source([600, 601, 602, 5], block: 2, position: 50),
      // Small talk in the block that is recalled.
      Self.source([21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 5], block: 1, position: 20),
    ]
    for (weight, age, count) in [(2.0, 0, 1), (1.9, 0, 0), (3.9, 30, 0), (4.1, 30, 1)] {
      let recalled = [
        Self.block(1): DecayedCount(weight: weight, at: Self.now - Int64(age) * Self.day)
      ]
      let drafts = Self.consolidation().drafts(
        from: sources, concepts: [], recalled: recalled)
      #expect(drafts.count == count, "\(weight), \(age) days ago")
      #expect(drafts.allSatisfy { $0.links.map(\.block) == [Self.block(1)] })
    }
  }

  @Test("What is only asked becomes no concept, and never the gist of one")
  func questions() throws {
    let asked: [TokenID] = [500, 501, 502, 503, 6]
    var sources = [
      Self.source(asked, block: 1, session: 1), Self.source(asked, block: 2, session: 2),
      Self.source(asked, block: 3, session: 3),
    ]
    #expect(Self.consolidation().drafts(from: sources, concepts: [], recalled: [:]).isEmpty)
    sources.append(Self.source(Self.fact, block: 4, session: 4))
    let drafts = Self.consolidation().drafts(from: sources, concepts: [], recalled: [:])
    #expect(try #require(drafts.first).tokens == Words.turn(Self.fact).dropLast())
  }

  @Test("A concept outlives its passages, and goes on from them when they are told again")
  func outliving() throws {
    let told = [
      Self.source(Self.fact, block: 1, session: 1), Self.source(Self.fact, block: 2, session: 2),
    ]
    let first = try #require(
      Self.consolidation().drafts(from: told, concepts: [], recalled: [:]).first)
    let concept = Concept(
      identity: Self.block(99), tokens: first.tokens, links: first.links, count: first.count,
      created: Self.now)
    let later = Self.consolidation(now: Self.now + 30 * Self.day)
    let alone = try #require(later.drafts(from: [], concepts: [concept], recalled: [:]).first)
    #expect(alone.tokens == first.tokens && alone.links == first.links)
    #expect(abs(alone.count.weight - first.count.weight / 2) < 1e-9)
    let again = try #require(
      later.drafts(
        from: [Self.source(Self.fact, block: 3, session: 3)], concepts: [concept], recalled: [:]
      ).first)
    #expect(again.links.map(\.block) == [1, 2, 3].map(Self.block))
  }

  // MARK: - Properties

  private static func sources(_ random: inout SeededGenerator) -> [Consolidation.Source] {
    let facts = (0..<12).map { fact in
      (0..<random.count(3...10)).map { TokenID(300 + fact * 20 + $0) }
    }
    return (0..<random.count(0...80)).map { number in
      var text = facts.randomElement(using: &random)!
      if random.count(0...2) == 0 { text[random.count(0...text.count - 1)] = 1500 }
      text.append(random.count(0...4) == 0 ? Words.asks : Words.stop)
      return source(
        text, block: number / 2, session: UInt64(random.count(1...4)),
        position: random.count(0...2000), age: Int64(random.count(0...100)) * day)
    }
  }

  private static func counts(_ random: inout SeededGenerator) -> [BlockIdentity: DecayedCount] {
    var counts: [BlockIdentity: DecayedCount] = [:]
    for number in 0..<40 where random.count(0...3) == 0 {
      counts[block(number)] = DecayedCount(
        weight: Double.random(in: 0...4, using: &random),
        at: now - Int64(random.count(0...60)) * day)
    }
    return counts
  }

  private static func concepts(_ drafts: [Consolidation.Draft]) -> [Concept] {
    drafts.enumerated().map { index, draft in
      Concept(
        identity: block(1000 + index), tokens: draft.tokens, links: draft.links,
        count: draft.count, created: now)
    }
  }

  @Test(
    "In any order, with a budget that is kept, the same comes out, and again when it is repeated",
    arguments: 0..<60 as Range<UInt64>)
  func properties(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let sources = Self.sources(&random)
    let recalled = Self.counts(&random)
    let plan = Self.consolidation()
    let drafts = plan.drafts(from: sources, concepts: [], recalled: recalled)
    #expect(
      plan.drafts(from: sources.shuffled(using: &random), concepts: [], recalled: recalled)
        == drafts, "seed \(seed)")
    #expect(Set(drafts.map(\.tokens)).count == drafts.count)
    let known = Set(sources.flatMap(\.links))
    #expect(drafts.allSatisfy { known.isSuperset(of: $0.links) })
    #expect(
      drafts.allSatisfy { draft in
        draft.count.weight > 0
          && sources.contains { !$0.statement.isQuestion && $0.statement.tokens == draft.tokens }
      })
    // Nothing has changed: nothing does.
    let again = plan.drafts(
      from: sources, concepts: Self.concepts(drafts), recalled: recalled)
    #expect(again == drafts, "seed \(seed)")
    // A budget lets the lightest go.
    let budget = random.count(0...drafts.map(plan.bytes(of:)).reduce(0, +) + 100)
    let few = Self.consolidation(budget: budget).drafts(
      from: sources, concepts: [], recalled: recalled)
    #expect(few.map(plan.bytes(of:)).reduce(0, +) <= budget)
    #expect(few == Array(drafts.prefix(few.count)))
    #expect(
      few.count == drafts.count
        || few.map(plan.bytes(of:)).reduce(0, +)
          + plan.bytes(of: drafts[few.count]) > budget
    )
  }
}
