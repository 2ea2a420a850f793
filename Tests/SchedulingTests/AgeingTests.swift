import Scheduling
import TestSupport
import Testing

@Suite("Nothing waits for ever")
struct AgeingTests {
  /// A stream of urgent requests, each of `tokens` passes, that could fill the machine alone.
  private struct Flood {
    var rig: Rig
    var left: [UInt64: Int] = [:]
    var next: UInt64 = 1000
    let tokens: Int

    init(width: Int, tokens: Int, ageing: Int) {
      rig = Rig(width: width, blocks: width) { $0.ageing = ageing }
      self.tokens = tokens
    }

    /// One pass, with enough new urgent ones that some are always waiting.
    mutating func step() -> PassPlan {
      let waiting = left.keys.count { rig.scheduler.phase(of: $0) == .queued }
      for _ in waiting..<40 {
        rig.submit(next, .urgent)
        left[next] = tokens
        next += 1
      }
      let plan = rig.step()
      for id in plan.decode where left[id] != nil {
        left[id]? -= 1
        if left[id] == 0 {
          rig.scheduler.ended(id)
          left[id] = nil
        }
      }
      return plan
    }
  }

  @Test(
    "Under a flood of urgent requests, one with n before it begins within its bound",
    arguments: [1, 2, 4], [10, 50])
  func beginning(width: Int, ageing: Int) {
    var flood = Flood(width: width, tokens: 7, ageing: ageing)
    for _ in 0..<20 { _ = flood.step() }
    for id in 1...5 { flood.rig.submit(UInt64(id), .background) }
    // What runs at a moment has ended after its own tokens, and those passes that were others' turns.
    let release = 7 * 2
    var begun: [UInt64: Int] = [:]
    for pass in 1...5 * (ageing + 3 * release) {
      let plan = flood.step()
      for id in plan.admit where id < 1000 { begun[id] = pass }
      for id in plan.decode where id < 1000 { flood.rig.scheduler.ended(id) }
    }
    for id in 1...5 {
      let bound = id * (ageing + 3 * release)
      let waited = begun[UInt64(id)]
      #expect(waited.map { $0 <= bound } ?? false, "\(id): \(waited ?? -1), bound \(bound)")
    }
  }

  @Test("Without ageing the same requests starve: the test above would notice")
  func mutant() {
    var flood = Flood(width: 2, tokens: 7, ageing: .max)
    for _ in 0..<20 { _ = flood.step() }
    flood.rig.submit(1, .background)
    for _ in 0..<2000 { #expect(!flood.step().admit.contains(1)) }
  }

  @Test("A large request is not starved by small ones of its priority that fit")
  func large() {
    var rig = Rig(width: 8, blocks: 8) { $0.ageing = 30 }
    var ends: [UInt64: Int] = [:]
    var next: UInt64 = 100
    var (begun, eldestSince) = (0, 0)
    // The first that arrives after the large one.
    var later: UInt64 = 0
    for pass in 1...200 where begun == 0 {
      while (100..<next).count(where: { rig.scheduler.phase(of: $0) == .queued }) < 6 {
        rig.submit(next, blocks: 2)
        next += 1
      }
      if pass == 10 {
        rig.submit(1, blocks: 8)
        later = next
      }
      let plan = rig.step()
      for id in plan.admit { ends[id] = pass + 5 + Int(id) % 4 }
      if plan.admit.contains(where: { $0 > 1 && $0 < later }) { eldestSince = pass }
      if plan.admit.contains(1) { begun = pass }
      for (id, end) in ends where end <= pass {
        rig.scheduler.ended(id)
        ends[id] = nil
      }
    }
    // Due 30 passes after it has become the eldest, and then all small ones end within 9.
    #expect(
      begun > 0 && begun <= eldestSince + 30 + 9, "begun in \(begun), eldest in \(eldestSince)")
  }

  @Test("A decode that is skipped for more urgent ones is stepped once in every so many passes")
  func decoding() {
    var rig = Rig(width: 4) { $0.ageing = 10 }
    for id in 1...2 { rig.submit(UInt64(id), .background) }
    for id in 3...4 { rig.submit(UInt64(id), .urgent) }
    rig.step()
    rig.scheduler.setWidth(2)
    var steps: [UInt64: [Int]] = [:]
    for pass in 0..<200 {
      for id in rig.step().decode { steps[id, default: []].append(pass) }
    }
    // Two of them wait, and one has its turn every 10 passes.
    for id in 1...2 as ClosedRange<UInt64> {
      let own = steps[id] ?? []
      #expect((9...10).contains(own.count))
      #expect(zip(own, own.dropFirst()).allSatisfy { $1 - $0 == 20 })
    }
    #expect((steps[3] ?? []).count > 185)
  }

  @Test(
    "A prompt that more urgent ones keep from being read is read on once in every so many passes")
  func reading() {
    var rig = Rig(width: 4) {
      $0.ageing = 10
      $0.prefillRowsAlone = 8
    }
    rig.submit(1, .background, rows: 60)
    rig.submit(2, .urgent, rows: 1_000_000)
    rig.submit(3, .background, rows: 60)
    var turns: [[Int]] = [[], [], [], []]
    for pass in 1...55 {
      for share in rig.step().prefill { turns[Int(share.id)].append(pass) }
    }
    #expect(turns[1] == [11, 31, 51])
    #expect(turns[3] == [21, 41])
    #expect(turns[2] == Array(1...55))
  }

  @Test(
    "One that is due has the next place that becomes free, even when more urgent ones exceed the width"
  )
  func displaced() {
    var rig = Rig(width: 1) { $0.ageing = 20 }
    // It is displaced by urgent ones, of which there is always one.
    rig.submit(1, .normal)
    rig.step()
    rig.submit(100, .urgent)
    rig.step()
    rig.submit(2, .background)
    var (next, begun): (UInt64, Int?) = (101, nil)
    for pass in 1...60 where begun == nil {
      rig.submit(next, .urgent)
      let plan = rig.step()
      if plan.admit.contains(2) { begun = pass }
      if pass % 4 == 0 {
        for id in plan.decode where id >= 100 { rig.scheduler.ended(id) }
      }
      next += 1
    }
    #expect(begun.map { $0 <= 20 + 8 } ?? false, "begun in pass \(begun ?? -1)")
  }

  @Test("An urgent one makes room for what is due before it, too")
  func pushThrough() {
    var rig = Rig(blocks: 10) { $0.ageing = 5 }
    for id in 1...2 as ClosedRange<UInt64> {
      rig.submit(id, blocks: 5)
      rig.step()
      rig.scheduler.setMayPark(id, to: true)
    }
    rig.submit(3, .background, blocks: 5)
    for _ in 0..<8 { rig.step() }
    rig.submit(4, .urgent, blocks: 5)
    #expect(rig.step().park == [2, 1])
    #expect(rig.step().admit == [3, 4])
  }

  @Test("A book is finished although short questions keep coming, and they do not wait for it")
  func book() {
    var rig = Rig(width: 4) { $0.prefillRowsAlone = 40 }
    rig.submit(1, rows: 1200)
    rig.step()
    var (pass, asked, longest) = (0, 0, 0)
    var next: UInt64 = 10
    while rig.scheduler.phase(of: 1) != nil, pass < 1000 {
      pass += 1
      if next < 100, asked == 0 || rig.scheduler.phase(of: next - 1) == nil {
        rig.submit(next, rows: 20)
        next += 1
        asked = pass
      }
      let plan = rig.step()
      for id in plan.decode {
        if id != 1 { longest = max(longest, pass - asked) }
        rig.scheduler.ended(id)
      }
    }
    #expect(pass <= 1160 / 30 + 2)
    #expect(longest <= 3)
  }

  @Test("A backlog older than the ageing does not hold up an urgent request")
  func backlog() {
    var rig = Rig(width: 2, blocks: 2) { $0.ageing = 20 }
    for id in 1...500 { rig.submit(UInt64(id), .background) }
    for _ in 0..<100 { rig.step() }
    var worst = 0
    for number in 0..<30 {
      let id = UInt64(1000 + number)
      rig.submit(id, .urgent)
      var waited = 0
      while true {
        let plan = rig.step()
        // Each request is a few tokens long.
        for other in plan.decode where other % 3 == UInt64(waited % 3) {
          rig.scheduler.ended(other)
        }
        if plan.admit.contains(id) { break }
        waited += 1
      }
      worst = max(worst, waited)
    }
    #expect(worst <= 6, "an urgent request waited \(worst) passes")
  }
}
