import Generation
import Model
import Testing

@Suite struct CandidatesTests {
  @Test(arguments: seeds)
  func `keepTop keeps what a full sort would`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for count in [1, 2, 3, 15, 16, 17, 33, 100, 1000] {
      for logits in [randomLogits(count, &generator), coarseLogits(count, &generator)] {
        for k in [1, 2, 3, 7, 40, count - 1, count, count + 1] where k > 0 {
          var candidates = Candidates(vocabularySize: count)
          candidates.reset(to: logits.span)
          candidates.keepTop(k)
          let kept = Survivors(candidates)
          let expected = k < count ? Array(ranked(logits).prefix(k)) : kept.ids.sorted()
          #expect(kept.ids == expected, "seed \(seed), \(count) logits, k \(k)")
          #expect(kept.logits == expected.map { logits[Int($0)] })
        }
      }
    }
  }

  @Test(arguments: seeds)
  func `every way of truncating leaves a buffer that can be used again`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var candidates = Candidates(vocabularySize: 50)
    for round in 0..<40 {
      let logits =
        round % 3 == 0 ? coarseLogits(50, &generator) : randomLogits(50, &generator)
      candidates.reset(to: logits.span)
      let fresh = Survivors(candidates)
      #expect(fresh.ids == Array(0..<50), "seed \(seed), round \(round)")
      #expect(fresh.logits == logits, "seed \(seed), round \(round)")
      #expect(candidates.isDense)
      candidates.softmax()
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: candidates.keepTop(Int.random(in: 1...60, using: &generator))
      case 1: candidates.keepLikeliest(mass: Float(generator.nextUnit()), minKeep: 1)
      case 2: candidates.keepMostTypical(mass: Float(generator.nextUnit()), minKeep: 1)
      case 3: candidates.keep(logitAtLeast: Float(generator.nextUnit() * 4), minKeep: 2)
      default: candidates.removeTopChoices(threshold: 0.02, minKeep: 1)
      }
      let kept = Survivors(candidates)
      #expect(kept.logits == kept.ids.map { logits[Int($0)] }, "seed \(seed), round \(round)")
      #expect(Set(kept.ids).count == kept.ids.count && !kept.ids.isEmpty)
      if kept.isSorted {
        #expect(kept.ids == ranked(logits).filter(Set(kept.ids).contains))
      }
    }
  }

  @Test func `a vector scan finds the largest value wherever it is`() {
    for count in 1...70 {
      for place in 0..<count {
        var values = [Float](repeating: -1, count: count)
        values[place] = 3
        if place > 0 { values[place - 1] = .nan }
        #expect(largest(of: values.span) == 3)
        #expect(indexOfLargest(in: values.span) == place)
      }
    }
  }

  @Test func `the lowest of equal values is the largest's index`() {
    #expect(indexOfLargest(in: [1, 5, 2, 5].span) == 1)
    #expect(indexOfLargest(in: [Float](repeating: .nan, count: 20).span) == 0)
    #expect(indexOfLargest(in: [Float](repeating: -.infinity, count: 20).span) == 0)
  }

  @Test func `NaN is the same as banned, and infinity is only very large`() {
    var candidates = Candidates(vocabularySize: 4)
    candidates.reset(to: [.nan, 1, .infinity, -.infinity].span)
    #expect(
      Survivors(candidates).logits == [-.infinity, 1, .greatestFiniteMagnitude, -.infinity])
    candidates.softmax()
    #expect((0..<4).map(candidates.probability) == [0, 0, 1, 0])
  }

  @Test func `where all are banned the lowest id has all the probability`() {
    var candidates = Candidates(vocabularySize: 3)
    candidates.reset(to: [-.infinity, .nan, -.infinity].span)
    candidates.softmax()
    #expect((0..<3).map(candidates.probability) == [1, 0, 0])
    #expect(candidates.draw(at: 0.99) == 0)
  }
}
