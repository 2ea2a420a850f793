import Generation
import Model
import Testing

@Suite struct PromptLookupTests {
  /// The longest run that ends `tokens` and has been before, the latest time, by looking everywhere that
  /// the last `reach` tokens go.
  private static func found(in tokens: [TokenID], reach: Int) -> (place: Int, match: Int)? {
    let count = tokens.count
    for length in stride(from: min(4, count), through: 2, by: -1) {
      let run = tokens[(count - length)...]
      for place in stride(from: count - 1, through: max(length, count - reach + length), by: -1)
      where tokens[place - length..<place] == run {
        return (place, length)
      }
    }
    return nil
  }

  @Test(
    "finds the latest place of the longest run, as a search of everything does",
    arguments: 0..<40 as Range<UInt64>)
  func reference(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    // Few different tokens, so that runs recur; more than are searched, so that the ring goes round.
    let vocabulary = Int.random(in: 2...40, using: &random)
    var lookup = PromptLookup(expected: 64)
    #expect(lookup.capacity == 64)
    var tokens: [TokenID] = []
    for _ in 0..<400 {
      let token = TokenID(Int.random(in: 0..<vocabulary, using: &random))
      lookup.append(token)
      tokens.append(token)
      let (found, expected) = (lookup.find(), Self.found(in: tokens, reach: 64))
      #expect(
        found?.place == expected?.place && found?.match == expected?.match, "seed \(seed)")
      guard let found else { continue }
      var draft: [TokenID] = []
      lookup.draft(from: found.place, most: 10, into: &draft)
      #expect(draft.count == 10)
      for (offset, token) in draft.enumerated() {
        let from = found.place + offset
        #expect(token == (from < tokens.count ? tokens[from] : draft[from - tokens.count]))
      }
    }
    #expect(lookup.count == tokens.count)
  }

  @Test("a text that goes in circles is drafted on in circles")
  func circles() throws {
    var lookup = PromptLookup(expected: 100)
    for index in 0..<12 { lookup.append(TokenID(index % 3)) }
    let found = try #require(lookup.find())
    #expect(found.match == 4 && found.place == 9)
    var draft: [TokenID] = []
    lookup.draft(from: found.place, most: 7, into: &draft)
    #expect(draft == [0, 1, 2, 0, 1, 2, 0])
  }

  @Test("memory is bounded, however long the text")
  func bounded() {
    #expect(PromptLookup(expected: 10_000_000).capacity == PromptLookup.most)
    #expect(PromptLookup(expected: 0).find() == nil)
  }
}
