import Cache
import Cascade
import Model
import TestSupport
import Testing

@Suite("Continuations")
struct ContinuationsTests {
  private static func identity(_ number: Int) -> BlockIdentity {
    BlockIdentity(high: 7, low: UInt64(number))
  }

  private static func draft(
    _ continuations: Continuations, after tokens: [TokenID], least: Int = 2, most: Int = 20
  ) -> (match: Int, tokens: [TokenID]) {
    var draft: [TokenID] = []
    let match = continuations.draft(
      after: TokenSuffix(tokens), least: least, most: most, into: &draft)
    return (match, draft)
  }

  @Test("What was said is drafted again, the further the more of it is met")
  func recalls() {
    let continuations = Continuations()
    let text = (10..<40).map(TokenID.init)
    for number in 0..<8 {
      continuations.add(Self.identity(number), parent: nil, time: 1000, tokens: text)
    }
    #expect(continuations.count == 8)
    #expect(Self.draft(continuations, after: [12, 13]) == (2, [14, 15, 16, 17]))
    #expect(Self.draft(continuations, after: [1, 12, 13, 14]) == (3, [15, 16, 17, 18, 19, 20]))
    let whole = Self.draft(continuations, after: [11, 12, 13, 14])
    #expect(whole == (4, [15, 16, 17, 18, 19, 20, 21, 22]))
    #expect(Self.draft(continuations, after: [11, 12, 13, 14], most: 3).tokens == [15, 16, 17])
    #expect(Self.draft(continuations, after: [12, 13], least: 3) == (0, []))
    #expect(Self.draft(continuations, after: [12, 14]) == (0, []))
    #expect(Self.draft(continuations, after: [12]) == (0, []))
    #expect(Self.draft(continuations, after: [37, 38]).tokens == [39])
  }

  @Test("A passage counts once, and goes on from the one before it")
  func passages() {
    let continuations = Continuations()
    continuations.add(Self.identity(1), parent: nil, time: 0, tokens: [1, 2, 3])
    let table = continuations.table.count
    continuations.add(Self.identity(1), parent: nil, time: 0, tokens: [1, 2, 3])
    #expect(continuations.count == 1 && continuations.table.count == table)
    continuations.add(Self.identity(2), parent: Self.identity(1), time: 0, tokens: [4, 5])
    #expect(Self.draft(continuations, after: [1, 2, 3]).tokens == [4, 5])
    // Nothing is known of a parent that is not there.
    continuations.add(Self.identity(3), parent: Self.identity(9), time: 0, tokens: [6, 7])
    #expect(Self.draft(continuations, after: [4, 5]).tokens.isEmpty)
  }

  @Test("What is unsure ends a draft before what is sure")
  func chances() {
    let continuations = Continuations()
    for number in 0..<64 {
      // After 1, 2, 3 comes one of eight tokens; after 5, 6, 7 always the same.
      let follower = TokenID(100 + number % 8)
      continuations.add(
        Self.identity(number), parent: nil, time: 0,
        tokens: [1, 2, 3, follower, TokenID(1000 + number), 5, 6, 7, 8, 9, 10])
    }
    #expect(Self.draft(continuations, after: [5, 6, 7]).tokens == [8, 9, 10])
    #expect(Self.draft(continuations, after: [1, 2, 3]).tokens.count <= 1)
  }

  @Test("Counts halve with time, in whatever order passages come", arguments: [false, true])
  func decay(isReversed: Bool) {
    let day: Int64 = 86_400
    let continuations = Continuations(halfLife: Double(day))
    // Said three times long ago, and once since.
    var passages: [(time: Int64, follower: TokenID)] = [(0, 50), (1, 50), (2, 50), (4 * day, 60)]
    if isReversed { passages.reverse() }
    for (number, passage) in passages.enumerated() {
      continuations.add(
        Self.identity(number), parent: nil, time: passage.time, tokens: [1, 2, passage.follower])
    }
    #expect(Self.draft(continuations, after: [1, 2]).tokens == [60])
    // After so long that the unit of counting has to change, what is new still wins.
    let later = 500 * day
    continuations.add(Self.identity(8), parent: nil, time: later, tokens: [1, 2, 70])
    #expect(Self.draft(continuations, after: [1, 2]).tokens == [70])
    #expect(continuations.table.violations() == [])
  }

  @Test(
    "The budget is never exceeded, and counts always add up", arguments: 0..<12 as Range<UInt64>)
  func budget(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let budget = random.count(ContinuationTable.leastBudget...200_000)
    let continuations = Continuations(budget: budget, halfLife: 1000)
    var time: Int64 = 0
    for number in 0..<60 {
      time += Int64(random.count(0...20_000))
      let vocabulary = [5, 50, 1000].randomElement(using: &random)!
      continuations.add(
        Self.identity(number), parent: number > 0 ? Self.identity(number - 1) : nil,
        time: random.count(0...3) == 0 ? 0 : time, tokens: random.tokens(64, below: vocabulary))
      #expect(continuations.table.byteCount <= budget, "seed \(seed)")
      #expect(continuations.table.violations() == [], "seed \(seed)")
    }
    #expect(continuations.table.count > 10)
  }

  @Test("What recurs stays while much that does not comes by", arguments: 0..<6 as Range<UInt64>)
  func frequent(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let continuations = Continuations(budget: 100_000)
    let phrase: [TokenID] = [1, 2, 3, 4, 5, 6, 7, 8]
    for number in 0..<400 {
      let noise = random.tokens(56, below: 100_000).map { $0 + 100 }
      continuations.add(
        Self.identity(number), parent: nil, time: 0,
        tokens: number % 4 == 0 ? phrase + noise : noise)
    }
    #expect(Self.draft(continuations, after: [1, 2, 3, 4]).tokens == [5, 6, 7, 8])
    #expect(continuations.table.byteCount <= 100_000)
  }

  @Test("Nothing is left of what is forgotten, also for who still holds it")
  func forgetting() {
    let continuations = Continuations()
    continuations.add(Self.identity(1), parent: nil, time: 0, tokens: [1, 2, 3, 4])
    #expect(Self.draft(continuations, after: [1, 2]).match == 2)
    continuations.removeAll()
    #expect(continuations.count == 0 && continuations.table.count == 0)
    #expect(Self.draft(continuations, after: [1, 2]) == (0, []))
  }
}
