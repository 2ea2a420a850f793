import Scheduling
import Testing

@Suite("Who is parked")
struct ParkingTests {
  /// Requests that run, by priority, each with as many blocks, and may be parked.
  ///
  /// - Parameter spare: blocks that nobody holds.
  private func running(
    _ priorities: [Priority], blocks: Int, width: Int = 8, spare: Int = 0,
    _ change: (inout SchedulerLimits) -> Void = { _ in }
  ) -> Rig {
    var rig = Rig(width: width, blocks: blocks * priorities.count + spare, change)
    for (number, priority) in priorities.enumerated() {
      rig.submit(UInt64(number + 1), priority, blocks: blocks)
      rig.step()
      rig.scheduler.setMayPark(UInt64(number + 1), to: true)
    }
    return rig
  }

  @Test("An urgent one without blocks parks the least urgent, most recently begun one")
  func preemption() {
    var rig = running([.background, .background, .normal], blocks: 4)
    rig.submit(9, .urgent, blocks: 3)
    #expect(rig.next().park == [2])
    // Its blocks are not there before it is parked.
    #expect(rig.next().admit == [])
    #expect(rig.scheduler.phase(of: 2) == .parking)
    rig.scheduler.parked(2)
    #expect(rig.next().admit == [9])
    rig.scheduler.ended(9)
    #expect(rig.next().resume == [2])
    #expect(rig.next().decode.contains(2) == false)
    rig.scheduler.resumed(2)
    #expect(rig.next().decode.contains(2))
  }

  @Test("Where one may not be parked the next is, and the first when it may")
  func refusedPlaces() {
    var rig = running([.background, .background], blocks: 4)
    rig.scheduler.setMayPark(2, to: false)
    rig.submit(9, .urgent, blocks: 8)
    #expect(rig.next().park == [1])
    rig.scheduler.parked(1)
    #expect(rig.next().park == [])
    rig.scheduler.setMayPark(2, to: true)
    #expect(rig.next().park == [2])
  }

  @Test("Nobody is parked in vain")
  func inVain() {
    var rig = running([.background, .urgent], blocks: 4)
    rig.submit(9, .urgent, blocks: 5)
    #expect(rig.next().park == [])
    rig.submit(10, .urgent, blocks: 4)
    rig.scheduler.ended(9)
    #expect(rig.next().park == [1])
  }

  @Test("Equals do not park one another", arguments: Priority.allCases)
  func equals(priority: Priority) {
    var rig = running([priority, priority], blocks: 4)
    rig.submit(9, priority, blocks: 4)
    for _ in 0..<1000 {
      let plan = rig.step()
      #expect(plan.park == [] && plan.admit == [])
    }
  }

  @Test(
    "An urgent one without width parks another if that is possible, and decodes at once in any case"
  )
  func width() {
    var rig = running([.normal, .background], blocks: 1, width: 2, spare: 8)
    rig.submit(9, .urgent)
    let plan = rig.next()
    #expect(plan.park == [2])
    #expect(plan.decode == [9, 1])
    rig.scheduler.setMayPark(1, to: false)
    rig.submit(10, .urgent)
    let second = rig.next()
    #expect(second.admit == [10])
    #expect(second.park == [])
    #expect(second.decode == [9, 10])
  }

  @Test("While room is made for one, its equals do not take it")
  func roomIsKept() {
    var rig = running([.background, .background, .background], blocks: 4)
    rig.submit(9, .urgent, blocks: 8)
    #expect(rig.next().park == [3, 2])
    rig.scheduler.parked(3)
    rig.submit(10, .urgent, blocks: 4)
    #expect(rig.next().admit == [])
    rig.scheduler.parked(2)
    #expect(rig.next().admit == [9])
  }

  @Test("One that could not be parked goes on, and is not asked to again at once")
  func refusal() {
    var rig = running([.background], blocks: 4)
    rig.submit(9, .urgent, blocks: 4)
    #expect(rig.next().park == [1])
    rig.scheduler.parkRefused(1)
    let plan = rig.next()
    #expect(plan.park == [])
    #expect(plan.decode == [1])
    rig.scheduler.setMayPark(1, to: true)
    #expect(rig.next().park == [1])
  }

  @Test("After its patience, an idle one's blocks go to whoever needs them, equals too")
  func idle() {
    var rig = running([.normal, .normal], blocks: 4) { $0.idlePatience = 5 }
    rig.scheduler.setDemand(1, to: false)
    rig.submit(9, .background, blocks: 4)
    #expect((0..<5).map { _ in rig.next().park } == [[], [], [], [], [1]])
    rig.scheduler.parked(1)
    #expect(rig.next().admit == [9])
    // It comes back when somebody asks for it, and there is room.
    rig.scheduler.setDemand(1, to: true)
    #expect(rig.next().resume == [])
    rig.scheduler.ended(2)
    #expect(rig.next().resume == [1])
  }

  @Test("Idle ones are parked before those that somebody waits for")
  func idleFirst() {
    var rig = running([.normal, .background], blocks: 4) { $0.idlePatience = 2 }
    rig.scheduler.setDemand(1, to: false)
    for _ in 0..<2 { rig.step() }
    rig.submit(9, .urgent, blocks: 4)
    #expect(rig.next().park == [1])
  }

  @Test("When nothing else goes on, an idle one gives way at once")
  func quiet() {
    var rig = running([.urgent], blocks: 4)
    rig.scheduler.setDemand(1, to: false)
    #expect(rig.next().isEmpty)
    rig.submit(9, .background, blocks: 4)
    #expect(rig.next().park == [1])
  }

  @Test("An idle one that cannot be parked holds up nobody who fits beside it")
  func stuck() {
    var rig = Rig(blocks: 10) { $0.ageing = 4 }
    rig.submit(1, blocks: 6)
    rig.step()
    rig.scheduler.setDemand(1, to: false)
    rig.submit(2, .urgent, blocks: 5)
    rig.submit(3, .background, blocks: 4)
    #expect(rig.next().admit == [3])
  }

  @Test("What ends while it moves is gone at once, and what its move came to changes nothing")
  func endedMove() {
    var rig = running([.background], blocks: 4)
    rig.submit(9, .urgent, blocks: 4)
    #expect(rig.next().park == [1])
    rig.scheduler.ended(1)
    #expect(rig.scheduler.heldBlocks == 0)
    rig.scheduler.parked(1)
    #expect(rig.scheduler.phase(of: 1) == nil)
    #expect(rig.scheduler.violations().isEmpty)
    #expect(rig.next().admit == [9])
    rig.scheduler.ended(9)
    #expect(rig.scheduler.heldBlocks == 0)
  }

  @Test("Who came back by its age is served its quantum before it is parked again")
  func quantum() {
    var rig = Rig(width: 4, blocks: 8) {
      $0.ageing = 10
      $0.quantum = 6
    }
    rig.submit(1, .urgent, blocks: 8)
    rig.step()
    rig.submit(2, .background, blocks: 4)
    for _ in 0..<20 { rig.step() }
    rig.scheduler.ended(1)
    #expect(rig.step().admit == [2])
    rig.scheduler.setMayPark(2, to: true)
    rig.submit(3, .urgent, blocks: 8)
    var parked = 0
    while rig.step().park.isEmpty { parked += 1 }
    // The pass in which it began gave it one token.
    #expect(parked == 5)
  }
}
