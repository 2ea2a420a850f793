import Foundation
import Generation
import Testing

@Suite struct SeededGeneratorTests {
  @Test func `SplitMix64 gives its published sequence`() {
    var mix = SplitMix64(state: 1_234_567)
    #expect(mix.next() == 6_457_827_717_110_365_317)
    #expect(mix.next() == 3_203_168_211_198_807_973)
    #expect(mix.next() == 9_817_491_932_198_370_423)
  }

  @Test func `xoshiro256** gives its published sequence`() throws {
    var generator = try #require(SeededGenerator(words: [1, 2, 3, 4]))
    let expected: [UInt64] = [
      11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
      607_988_272_756_665_600, 16_172_922_978_634_559_625, 8_476_171_486_693_032_832,
    ]
    #expect(expected.map { _ in generator.next() } == expected)
  }

  @Test func `a restored state goes on where the saved one was`() throws {
    var generator = SeededGenerator(seed: 42)
    for _ in 0..<100 { _ = generator.next() }
    let saved = try JSONEncoder().encode(generator)
    var restored = try JSONDecoder().decode(SeededGenerator.self, from: saved)
    #expect(restored == generator)
    for _ in 0..<100 { #expect(restored.next() == generator.next()) }
  }

  @Test(arguments: [[0, 0, 0, 0], [1, 2, 3], []] as [[UInt64]])
  func `a state that is none is refused`(words: [UInt64]) throws {
    #expect(SeededGenerator(words: words) == nil)
    let encoded = try JSONEncoder().encode(words)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(SeededGenerator.self, from: encoded)
    }
  }

  @Test func `units are spread evenly over 0 to 1`() {
    var generator = SeededGenerator(seed: 0)
    var counts = [Int](repeating: 0, count: 16)
    let draws = 160_000
    for _ in 0..<draws { counts[Int(generator.nextUnit() * 16)] += 1 }
    let expected = Double(draws) / 16
    let statistic = counts.reduce(0) { $0 + pow(Double($1) - expected, 2) / expected }
    // Chi-square with 15 degrees of freedom: mean 15, deviation 5.5.
    #expect(statistic < 15 + 5 * 5.5)
  }
}
