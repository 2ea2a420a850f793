import Scheduling
import Testing

@Suite("What goes into a pass")
struct PassTests {
  // MARK: - Decoding

  @Test(
    "Among equals no decode waits longer than its round",
    arguments: [1, 2, 3, 5, 8, 40], [1, 2, 3, 4, 7])
  func rotation(count: Int, width: Int) {
    var rig = Rig(width: count)
    for id in 0..<count { rig.submit(UInt64(id)) }
    rig.step()
    rig.scheduler.setWidth(width)
    var last = Array(repeating: 0, count: count)
    let round = (count + width - 1) / width
    for pass in 1...200 {
      let plan = rig.step()
      #expect(plan.decode.count == min(count, width))
      for id in plan.decode {
        #expect(pass - last[Int(id)] <= round)
        last[Int(id)] = pass
      }
    }
    #expect(last.allSatisfy { 200 - $0 < round })
  }

  @Test("A request whose reader asks token by token keeps its turn")
  func pulled() {
    var rig = Rig(width: 4)
    for id in 0..<4 { rig.submit(UInt64(id)) }
    rig.step()
    rig.scheduler.setWidth(2)
    var counts = [0, 0, 0, 0]
    for _ in 0..<100 {
      for id in rig.step().decode {
        counts[Int(id)] += 1
        rig.scheduler.setDemand(id, to: false)
        rig.scheduler.setDemand(id, to: true)
      }
    }
    #expect(counts == [50, 50, 50, 50])
  }

  @Test("When the width falls, the more urgent ones decode on")
  func width() {
    var rig = Rig(width: 3)
    rig.submit(1, .background)
    rig.submit(2, .urgent)
    rig.submit(3, .normal)
    #expect(rig.step().decode == [2, 3, 1])
    rig.scheduler.setWidth(2)
    #expect(rig.step().decode == [2, 3])
    rig.scheduler.setWidth(1)
    #expect(rig.step().decode == [2])
    rig.scheduler.setWidth(3)
    #expect(rig.step().decode == [2, 3, 1])
  }

  @Test("What nobody waits for is neither read nor decoded")
  func demand() {
    var rig = Rig()
    rig.submit(1)
    rig.submit(2, rows: 2000)
    rig.step()
    rig.scheduler.setDemand(1, to: false)
    rig.scheduler.setDemand(2, to: false)
    #expect(rig.step().isEmpty)
    rig.scheduler.setDemand(1, to: true)
    #expect(rig.step().decode == [1])
  }

  @Test("A pass that decodes as much as it may leaves a row for a prompt")
  func lastRow() {
    var rig = Rig(width: 8) { $0.rows = 4 }
    for id in 1...4 { rig.submit(UInt64(id)) }
    rig.submit(5, rows: 2)
    let plan = rig.step()
    #expect(plan.decode.count == 3)
    #expect(plan.prefill == [PrefillShare(id: 5, rows: 1)])
    rig.step()
    #expect(rig.step().decode.count == 4)
  }

  // MARK: - Reading

  @Test("Beside decodes a prompt is read in small chunks, alone in large ones")
  func chunks() {
    var rig = Rig {
      $0.prefillRowsAlone = 400
      $0.prefillRowsBesideDecodes = 32
    }
    rig.submit(1, rows: 1000)
    #expect(rig.step().prefill == [PrefillShare(id: 1, rows: 400)])
    rig.submit(2)
    #expect(rig.step().prefill == [PrefillShare(id: 1, rows: 32)])
    rig.scheduler.ended(2)
    #expect(rig.step().prefill == [PrefillShare(id: 1, rows: 400)])
    #expect(rig.step().prefill == [PrefillShare(id: 1, rows: 168)])
    #expect(rig.step().decode == [1])
  }

  @Test("The prompt that is being read keeps most of the chunk, and a short one gets a quarter")
  func shares() {
    var rig = Rig { $0.prefillRowsAlone = 100 }
    rig.submit(1, rows: 1000)
    #expect(rig.step().prefill == [PrefillShare(id: 1, rows: 100)])
    rig.submit(2, rows: 500)
    rig.submit(3, rows: 40)
    let plan = rig.step()
    #expect(plan.prefill == [PrefillShare(id: 1, rows: 75), PrefillShare(id: 3, rows: 25)])
    // What the short one does not need, the long one gets.
    #expect(
      rig.step().prefill == [PrefillShare(id: 1, rows: 85), PrefillShare(id: 3, rows: 15)])
  }

  @Test("Of prompts that begin together the shortest is read first")
  func shortestFirst() {
    var rig = Rig { $0.prefillRowsAlone = 100 }
    rig.submit(1, rows: 300)
    rig.submit(2, rows: 80)
    #expect(
      rig.step().prefill == [PrefillShare(id: 2, rows: 75), PrefillShare(id: 1, rows: 25)])
  }

  @Test("A more urgent prompt takes the chunk, and what it leaves goes on")
  func urgentPrompt() {
    var rig = Rig {
      $0.prefillRowsAlone = 100
      $0.prefillRowsBesideDecodes = 100
    }
    rig.submit(1, rows: 1000)
    rig.step()
    rig.submit(2, .urgent, rows: 150)
    #expect(rig.step().prefill == [PrefillShare(id: 2, rows: 100)])
    #expect(
      rig.step().prefill == [PrefillShare(id: 2, rows: 50), PrefillShare(id: 1, rows: 50)])
  }

  @Test("A prompt with an earlier deadline is read first among those that begin together")
  func deadlines() {
    var rig = Rig { $0.prefillRowsAlone = 100 }
    rig.submit(1, rows: 300)
    rig.submit(2, rows: 400, deadline: 1_000)
    #expect(rig.step().prefill.first == PrefillShare(id: 2, rows: 75))
  }

  // MARK: - Deadlines

  @Test("What is past its deadline is told and forgotten, wherever it stands")
  func expiry() {
    var rig = Rig(width: 1, blocks: 4)
    rig.submit(1, blocks: 4, deadline: 50)
    rig.submit(2, blocks: 4, deadline: 40)
    rig.submit(3, blocks: 4)
    #expect(rig.scheduler.nextDeadline == 40)
    #expect(rig.step(at: 39).admit == [2])
    let plan = rig.step(at: 50)
    #expect(Set(plan.expired) == [1, 2])
    #expect(plan.admit == [3])
    #expect(rig.scheduler.nextDeadline == nil)
    #expect([1, 2, 3].map(rig.scheduler.phase(of:)) == [nil, nil, .running])
  }

  @Test("What is moving is told after that")
  func movingExpiry() {
    var rig = Rig(blocks: 4)
    rig.submit(1, .background, blocks: 4, deadline: 50)
    rig.step()
    rig.scheduler.setMayPark(1, to: true)
    rig.submit(2, .urgent, blocks: 4)
    #expect(rig.next(at: 49).park == [1])
    #expect(rig.next(at: 60).expired == [])
    rig.scheduler.parked(1)
    let plan = rig.next(at: 61)
    #expect(plan.expired == [1])
    #expect(plan.admit == [2])
  }

  // MARK: - Events out of order

  @Test("Events of requests that are gone change nothing")
  func late() {
    var rig = Rig()
    rig.submit(1, rows: 3)
    rig.step()
    rig.scheduler.ended(1)
    rig.scheduler.prefilled(1, rows: 3)
    rig.scheduler.token(1)
    rig.scheduler.ended(1)
    rig.scheduler.setDemand(1, to: false)
    rig.scheduler.setPriority(1, to: .urgent)
    rig.scheduler.setMayPark(1, to: true)
    rig.scheduler.parked(1)
    rig.scheduler.parkRefused(1)
    rig.scheduler.resumed(1)
    #expect(rig.scheduler.violations().isEmpty)
    #expect(rig.step().isEmpty)
  }

  @Test("A request's id may be used again when it has ended")
  func sameID() {
    var rig = Rig()
    rig.submit(1, rows: 3)
    rig.step()
    rig.scheduler.ended(1)
    #expect(rig.submit(1, rows: 7) == .queued)
    #expect(rig.step().prefill == [PrefillShare(id: 1, rows: 7)])
  }
}
