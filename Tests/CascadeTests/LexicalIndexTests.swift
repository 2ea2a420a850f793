import Cascade
import Foundation
import Model
import TestSupport
import Testing

@Suite("The lexical index")
struct LexicalIndexTests {
  private static let vocabulary = 400
  private static let special: Set<TokenID> = [0, 3, 399]

  /// Text in which some tokens are frequent, some special and some outside the vocabulary.
  private static func text(_ count: Int, _ random: inout SeededGenerator) -> [TokenID] {
    (0..<count).map { _ in
      switch random.count(0...9) {
      case 0: special.randomElement(using: &random)!
      case 1: TokenID([-7, 400, 5000].randomElement(using: &random)!)
      case 2, 3: TokenID(random.count(1...5))
      default: TokenID(random.count(0...399))
      }
    }
  }

  /// The tokens that count: neither special nor right behind a special one.
  private static func words(_ tokens: ArraySlice<TokenID>) -> Set<TokenID> {
    var words: Set<TokenID> = []
    for at in tokens.indices where !special.contains(tokens[at]) {
      if at > tokens.startIndex, special.contains(tokens[at - 1]) { continue }
      words.insert(tokens[at])
    }
    return words
  }

  private static func found(
    _ index: inout LexicalIndex, _ query: ArraySlice<TokenID>, below limit: Int
  ) -> [Int: Float] {
    var scores: [Int: Float] = [:]
    index.search(query, below: limit) { place, score in
      #expect(scores[place] == nil, "passage \(place) was found twice")
      scores[place] = score
    }
    return scores
  }

  @Test(
    "Scores are the weights of shared words that a third of all passages do not hold",
    arguments: 0..<60 as Range<UInt64>)
  func scores(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let rarity = TokenRarity(
      vocabularySize: Self.vocabulary, passageLength: 32, special: Self.special)
    var index = LexicalIndex(rarity: rarity)
    var passages: [Set<TokenID>] = []
    // Searches while the index grows, each of them twice: none leaves a residue.
    for _ in 0..<4 {
      for _ in 0..<random.count(0...40) {
        let text = Self.text(random.count(0...32), &random)
        index.add(text[...])
        passages.append(Self.words(text[...]))
      }
      #expect(index.count == passages.count)
      let text = Self.text(random.count(1...100), &random)
      let query = text[random.count(0...text.count)...]
      let limit = random.count(0...passages.count + 3)
      let scores = Self.found(&index, query, below: limit)
      #expect(Self.found(&index, query, below: limit) == scores)

      var expected: [Int: Float] = [:]
      for word in Self.words(query) {
        let holding = passages.count { $0.contains(word) }
        let weight = rarity.weight(of: word, holding: holding, of: passages.count)
        guard weight >= 1 else { continue }
        for (place, words) in passages.enumerated().prefix(limit) where words.contains(word) {
          expected[place, default: 0] += weight
        }
      }
      #expect(Set(scores.keys) == Set(expected.keys))
      for (place, score) in scores {
        #expect(abs(score - expected[place, default: 0]) < 1e-4 * score)
      }
    }
  }

  @Test("A word counts once, however often the query or the passage says it")
  func once() {
    let rarity = TokenRarity(vocabularySize: Self.vocabulary, passageLength: 32)
    var index = LexicalIndex(rarity: rarity)
    index.add([200, 201])
    index.add([200, 200, 200])
    let scores = Self.found(&index, [200, 200], below: 2)
    #expect(scores.count == 2 && scores[0] == scores[1])
    #expect(scores[0] == rarity.weight(of: 200, holding: 2, of: 2))
  }

  @Test("Special tokens and the ones right behind them do not count, in passage or query")
  func frames() {
    let rarity = TokenRarity(
      vocabularySize: Self.vocabulary, passageLength: 32, special: Self.special)
    var index = LexicalIndex(rarity: rarity)
    index.add([3, 210, 211])
    #expect(Self.found(&index, [210], below: 1).isEmpty)
    #expect(Self.found(&index, [3], below: 1).isEmpty)
    #expect(Self.found(&index, [3, 211], below: 1).isEmpty)
    #expect(Self.found(&index, [3, 212, 211], below: 1).keys.contains(0))
  }

  @Test("A passage that was not there when the limit was drawn is not found")
  func limits() {
    let rarity = TokenRarity(vocabularySize: Self.vocabulary, passageLength: 32)
    var index = LexicalIndex(rarity: rarity)
    for _ in 0..<5 { index.add([300]) }
    for limit in 0...6 {
      #expect(Set(Self.found(&index, [300], below: limit).keys) == Set(0..<min(5, limit)))
    }
  }

  @Test("Rarity is the inverse document frequency over 200 assumed passages of Zipf's law")
  func rarity() {
    let rarity = TokenRarity(vocabularySize: 500, passageLength: 64, special: [7])
    var harmonic = 0.0
    for rank in 1...500 { harmonic += 1 / (Double(rank) + 2.7) }
    for token in 0..<500 where token != 7 {
      let expectedHere = 1 / (Double(token + 1) + 2.7) / harmonic
      let assumed = 200 * (1 - exp(-64 * expectedHere))
      for (holding, count) in [(0, 0), (1, 1), (3, 10), (400, 5000), (5000, 5000)] {
        let expected = log((Double(count) + 201) / (Double(holding) + assumed + 0.5))
        let found = rarity.weight(of: TokenID(token), holding: holding, of: count)
        #expect(abs(Double(found) - max(0, expected)) < 1e-4, "token \(token), \(holding)/\(count)")
      }
    }
  }

  @Test("A token weighs less the more passages hold it, and nothing when it says nothing")
  func order() {
    let rarity = TokenRarity(vocabularySize: 500, passageLength: 64, special: [7])
    for token in [0, 1, 50, 499] as [TokenID] {
      let weights = (0...1000).map { rarity.weight(of: token, holding: $0, of: 1000) }
      #expect(zip(weights, weights.dropFirst()).allSatisfy { $0 >= $1 } && weights[0] > 1)
    }
    // A frequent token of the vocabulary's front against a rare one of its end.
    #expect(
      rarity.weight(of: 0, holding: 1, of: 10) < rarity.weight(of: 499, holding: 1, of: 10))
    for nothing in [7, -1, 500, .max, .min] as [TokenID] {
      #expect(rarity.weight(of: nothing, holding: 1, of: 10) == 0)
    }
  }
}
