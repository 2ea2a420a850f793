import Generation
import Testing

@Suite struct LookAheadTests {
  /// What was done, in words: `read 2` blocks, or the job that was begun.
  private func steps(
    _ lookAhead: inout LookAhead<String>, most: Int = .max
  ) -> [String] {
    var steps: [String] = []
    while steps.count < most, let step = lookAhead.next() {
      switch step {
      case .begin(let job): steps.append(job)
      case .read(let job, let beginning):
        steps.append("read \(beginning.blocks.count) of \(job)")
        lookAhead.didRead(beginning)
      }
    }
    return steps
  }

  private func lookAhead(
    _ jobs: [(String, [UInt64])], capacity: Int = 16
  ) -> LookAhead<String> {
    var lookAhead = LookAhead<String>(capacity: capacity)
    for (job, blocks) in jobs {
      lookAhead.add(job, PromptBeginning(blocks: blocks), priority: 1)
    }
    return lookAhead
  }

  @Test func `prompts with nothing in common begin in their order`() {
    var jobs = lookAhead([("a", []), ("b", [1]), ("c", [2, 3])])
    #expect(steps(&jobs) == ["a", "b", "c"])
  }

  @Test
  func `equal beginnings are read once, before those that have them, which follow one another`() {
    var jobs = lookAhead([
      ("a", [1, 2, 3]), ("x", [7]), ("b", [1, 2, 4]), ("y", []), ("c", [1, 2, 3]),
    ])
    #expect(steps(&jobs) == ["read 3 of a", "a", "c", "b", "x", "y"])
  }

  @Test func `a beginning is not read by itself where that saves less than a pass costs`() {
    var jobs = lookAhead([("a", [1]), ("b", [1])])
    #expect(steps(&jobs) == ["a", "b"])
    jobs = lookAhead([("a", [1, 2]), ("b", [1, 2])])
    #expect(steps(&jobs) == ["read 2 of a", "a", "b"])
    jobs = lookAhead([("a", [1]), ("b", [1]), ("c", [1])])
    #expect(steps(&jobs) == ["read 1 of a", "a", "b", "c"])
  }

  @Test func `what was read is not read again, what goes beyond it is`() {
    var jobs = lookAhead([("a", [1, 2]), ("b", [1, 2])])
    #expect(steps(&jobs) == ["read 2 of a", "a", "b"])
    for job in ["c", "d", "e"] {
      jobs.add(job, PromptBeginning(blocks: [1, 2, 9, 10]), priority: 1)
    }
    #expect(steps(&jobs) == ["read 4 of c", "c", "d", "e"])
  }

  @Test func `who waits for a beginning lets others go first`() {
    var jobs = lookAhead([("a", [1, 2]), ("b", [1, 2]), ("x", []), ("y", [])])
    guard case .read(_, let beginning)? = jobs.next() else {
      Issue.record("the beginning is not read first")
      return
    }
    #expect(steps(&jobs) == ["x", "y"])
    #expect(jobs.count == 2)
    jobs.didRead(beginning)
    #expect(steps(&jobs) == ["a", "b"])
  }

  @Test func `more urgent prompts go first`() {
    var jobs = LookAhead<String>(capacity: 8)
    for (job, priority) in [("a", 1), ("b", 0), ("c", 2), ("d", 1)] {
      jobs.add(job, PromptBeginning(blocks: []), priority: priority)
    }
    #expect(steps(&jobs) == ["c", "a", "d", "b"])
  }

  @Test func `nobody is passed over for ever`() {
    var jobs = LookAhead<String>(capacity: 4)
    jobs.add("old", PromptBeginning(blocks: []), priority: 0)
    var begun: [String] = []
    for number in 0..<20 where !begun.contains("old") {
      jobs.add("new \(number)", PromptBeginning(blocks: []), priority: 2)
      begun += steps(&jobs, most: 1)
    }
    #expect(begun.firstIndex(of: "old") == 4)
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func `every prompt begins once, and none while its beginning is read`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var jobs = LookAhead<Int>(capacity: 12)
    var beginnings: [Int: [UInt64]] = [:]
    var (begun, reading): (Set<Int>, [PromptBeginning]) = ([], [])
    var next = 0
    while begun.count < 300 {
      while jobs.hasRoom, next < 300 {
        // A few families of beginnings, each block of which stands for those before it.
        let (family, depth) = (
          UInt64.random(in: 1...5, using: &random), Int.random(in: 0...4, using: &random)
        )
        beginnings[next] = (0..<depth).map { family * 100 + UInt64($0) }
        jobs.add(
          next, PromptBeginning(blocks: beginnings[next]!),
          priority: .random(in: 0...2, using: &random)
        )
        next += 1
      }
      if !reading.isEmpty, Bool.random(using: &random) {
        jobs.didRead(reading.remove(at: Int.random(in: reading.indices, using: &random)))
      }
      switch jobs.next() {
      case .read(let job, let beginning):
        #expect(beginnings[job]!.starts(with: beginning.blocks), "seed \(seed)")
        reading.append(beginning)
      case .begin(let job):
        #expect(begun.insert(job).inserted, "seed \(seed)")
        let waits = reading.contains { beginning in
          beginning.blocks.last.map(beginnings[job]!.contains) ?? false
        }
        #expect(!waits, "seed \(seed)")
      case nil: #expect(!reading.isEmpty, "seed \(seed)")
      }
    }
    #expect(jobs.isEmpty)
  }

  @Test func `beginnings are equal as far as the tokens and the owner are`() {
    func beginning(_ tokens: [TokenID], owner: String = "") -> PromptBeginning {
      PromptBeginning(tokens, blockLength: 2, owner: owner)
    }
    let one = beginning([1, 2, 3, 4, 5])
    #expect(one.blocks.count == 2)
    #expect(one.common(with: beginning([1, 2, 3, 4, 9, 9, 9])) == 2)
    #expect(one.common(with: beginning([1, 2, 3, 5, 5])) == 1)
    #expect(one.common(with: beginning([2, 1, 3, 4, 5])) == 0)
    #expect(one.common(with: beginning([1, 2, 3, 4, 5], owner: "o")) == 0)
    // The last token is read in any case.
    #expect(beginning([1, 2]).blocks.isEmpty)
  }
}
