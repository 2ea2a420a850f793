import Foundation
import Generation
import Testing

@Suite struct EntropyTests {
  private func exact(_ logits: [Float]) -> Double {
    let possible = logits.filter { $0 > -.infinity }.map(Double.init)
    guard let largest = possible.max() else { return 0 }
    let weights = possible.map { exp($0 - largest) }
    let total = weights.reduce(0, +)
    return -weights.reduce(0) { $1 > 0 ? $0 + $1 / total * log($1 / total) : $0 }
  }

  @Test("it is that of the softmax, for every length and spread", arguments: 1...6)
  func formula(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    for count in Array(1...70) + [1000, 4099] {
      for spread in [0.01, 1, 10, 100] as [Float] {
        var logits = (0..<count).map { _ in Float.random(in: -spread...spread, using: &random) }
        // Some that are impossible, and some that are no numbers.
        for index in logits.indices.dropFirst() where random.next() % 9 == 0 {
          logits[index] = random.next() % 2 == 0 ? -.infinity : .nan
        }
        let exact = exact(logits)
        let found = Double(entropy(of: logits.span))
        #expect(abs(found - exact) <= 1e-5 + 1e-4 * exact, "seed \(seed), \(count), \(spread)")
      }
    }
  }

  @Test("nothing possible, one possible and all alike have the entropies that they should")
  func extremes() {
    func found(_ logits: [Float]) -> Float { entropy(of: logits.span) }
    #expect(found([-.infinity, -.infinity]) == 0)
    #expect(found([.nan, .nan, .nan]) == 0)
    #expect(found([.infinity, 1, 2]) == 0)
    #expect(found([-.infinity, 3, -.infinity]) < 1e-6)
    #expect(found([1000, -1000]) < 1e-6)
    for count in [2, 100, 5000] {
      let alike = [Float](repeating: -7, count: count)
      #expect(abs(found(alike) - Float(log(Double(count)))) < 1e-4)
    }
  }
}

@Suite struct EntropyWatchTests {
  private let vocabulary = 4096

  @Test("a stretch of sure tokens has collapsed once it is whole, not before")
  func collapse() {
    let options = QualityOptions()
    var watch = EntropyWatch(options, vocabularySize: vocabulary)
    for _ in 0..<100 { #expect(watch.note(2) == nil) }
    let measurements = options.stretch / options.interval
    // The last one before them weighs as much as all that follow may come to.
    for _ in 0..<measurements - 1 { #expect(watch.note(0.001) == nil) }
    #expect(watch.note(0.001) == .collapse)
    #expect(watch.note(0.001) == .collapse)
    #expect(watch.note(2) == nil)
  }

  @Test("one measurement says nothing, however far off it is")
  func spikes() {
    var watch = EntropyWatch(vocabularySize: vocabulary)
    for index in 0..<1000 {
      let entropy: Float = index % 10 == 0 ? 8.3 : index % 10 == 5 ? 0 : 2
      #expect(watch.note(entropy) == nil, "measurement \(index)")
    }
    #expect(abs(watch.mean! - 2.43) < 0.01)
  }

  @Test("a stretch of chance has exploded, in small vocabularies and in large ones")
  func explosion() {
    for vocabulary in [100, 4096, 128_000] {
      let chance = Float(log(Double(vocabulary)))
      var watch = EntropyWatch(vocabularySize: vocabulary)
      for _ in 0..<15 { #expect(watch.note(chance) == nil) }
      #expect(watch.note(chance) == .explosion)
      var calm = EntropyWatch(vocabularySize: vocabulary)
      for _ in 0..<100 { #expect(calm.note(0.5 * chance) == nil) }
    }
  }
}
