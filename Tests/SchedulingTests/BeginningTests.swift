import Scheduling
import Testing

@Suite("Who begins")
struct BeginningTests {
  @Test("All blocks that a request may hold are set aside before it begins")
  func blocks() {
    var rig = Rig(blocks: 10)
    rig.submit(1, blocks: 6)
    rig.submit(2, blocks: 4)
    rig.submit(3, blocks: 1)
    #expect(rig.next().admit == [1, 2])
    #expect(rig.scheduler.heldBlocks == 10)
    #expect(rig.next().admit == [])
    rig.scheduler.ended(2)
    #expect(rig.next().admit == [3])
    #expect(rig.scheduler.heldBlocks == 7)
  }

  @Test("A full queue says so, and takes more once there is room")
  func queue() {
    var rig = Rig(width: 1) { $0.queue = 2 }
    #expect(rig.submit(1) == .queued)
    #expect(rig.submit(2) == .queued)
    #expect(rig.submit(3) == .full(limit: 2))
    _ = rig.next()
    #expect(rig.submit(3) == .queued)
    #expect([1, 2, 3].map(rig.scheduler.phase(of:)) == [.running, .queued, .queued])
  }

  @Test("What can never fit is refused at once, and what takes everything is not")
  func impossible() {
    var rig = Rig(blocks: 10)
    #expect(rig.submit(1, blocks: 11) == .tooLarge(blocks: 10))
    #expect(rig.submit(2, blocks: 10) == .queued)
    #expect(rig.next().admit == [2])
  }

  @Test("More urgent ones begin first")
  func priorities() {
    var rig = Rig(width: 1)
    rig.submit(1, .background)
    rig.submit(2, .normal)
    rig.submit(3, .urgent)
    rig.submit(4, .normal)
    #expect(rig.order() == [3, 2, 4, 1])
  }

  @Test("A request that becomes more urgent is treated so")
  func raised() {
    var rig = Rig(width: 1)
    rig.submit(1)
    rig.submit(2, .background)
    rig.scheduler.setPriority(2, to: .urgent)
    #expect(rig.order() == [2, 1])
  }

  @Test("Nothing less urgent takes the blocks for which another waits; an equal that fits may")
  func noInversion() {
    var rig = Rig(blocks: 10)
    rig.submit(1, blocks: 6)
    _ = rig.next()
    rig.submit(2, blocks: 8)
    rig.submit(3, .background, blocks: 1)
    #expect(rig.next().admit == [])
    rig.submit(4, blocks: 2)
    #expect(rig.next().admit == [4])
    rig.scheduler.ended(1)
    #expect(rig.next().admit == [2])
  }

  @Test("As many begin as the width, idle ones not counted; what is more urgent begins beside")
  func places() {
    var rig = Rig(width: 2) { $0.idlePatience = 3 }
    for id in 1...4 { rig.submit(UInt64(id)) }
    #expect(rig.next().admit == [1, 2])
    #expect(rig.next().admit == [])
    rig.submit(9, .urgent)
    let plan = rig.next()
    #expect(plan.admit == [9])
    #expect(plan.decode.first == 9)
    #expect(plan.decode.count == 2)
    #expect(plan.park == [])
    rig.scheduler.ended(9)
    rig.scheduler.setDemand(1, to: false)
    #expect((0..<3).map { _ in rig.next().admit } == [[], [], [3]])
  }

  @Test("Without demand nothing begins, and with it at once")
  func demand() {
    var rig = Rig()
    rig.submit(1, hasDemand: false)
    #expect(rig.next().isEmpty)
    rig.scheduler.setDemand(1, to: true)
    #expect(rig.next().admit == [1])
  }

  // MARK: - Among equals

  @Test("The earliest deadline begins first, none last")
  func deadlines() {
    var rig = Rig(width: 1)
    rig.submit(1)
    rig.submit(2, deadline: 900)
    rig.submit(3, prefix: [1], deadline: 500)
    #expect(rig.order() == [3, 2, 1])
  }

  @Test(
    "The longest prefix shared with what holds blocks begins first, and counts as soon as it does")
  func prefixes() {
    var rig = Rig(width: 2)
    rig.submit(1, prefix: [1, 2, 3])
    _ = rig.next()
    rig.submit(2, prefix: [7, 8])
    rig.submit(3, prefix: [1, 2])
    rig.submit(4, prefix: [1, 2, 3, 4])
    // The same blocks in another order are another text.
    rig.submit(5, prefix: [2, 3, 1, 4])
    rig.submit(6, prefix: [7, 8, 9])
    #expect(rig.next().admit == [4])
    rig.scheduler.ended(4)
    #expect(rig.next().admit == [3])
    rig.scheduler.ended(1)
    // With 3 alone, nothing is shared: age decides, and then 6 shares with 2.
    #expect(rig.next().admit == [2])
    rig.scheduler.ended(3)
    #expect(rig.next().admit == [6])
  }

  @Test("What was just admitted counts in the same plan")
  func justAdmitted() {
    var rig = Rig(width: 2)
    rig.submit(1, prefix: [1, 2])
    rig.submit(2, prefix: [3, 4])
    rig.submit(3, prefix: [1, 2])
    #expect(rig.next().admit == [1, 3])
  }

  @Test("An expected length like that of the running ones begins first, an unknown one last")
  func lengths() {
    var rig = Rig(width: 2)
    rig.submit(1, expects: 400)
    _ = rig.next()
    rig.submit(2)
    rig.submit(3, expects: 10)
    rig.submit(4, expects: 300)
    rig.submit(5, expects: 100)
    #expect(rig.order() == [4, 5, 3, 2])
  }

  @Test("The namespace that has been served least begins first")
  func namespaces() {
    var rig = Rig(width: 2)
    rig.submit(1, namespace: 1)
    rig.submit(2, namespace: 2)
    rig.step()
    rig.scheduler.token(1, count: 5)
    rig.submit(3, namespace: 1)
    rig.submit(4, namespace: 2)
    rig.scheduler.ended(1)
    rig.scheduler.ended(2)
    rig.scheduler.setWidth(1)
    #expect(rig.order() == [4, 3])
  }

  @Test("Of like requests the shorter prompt begins first, and the older of about the same length")
  func shortPrompts() {
    var rig = Rig(width: 1)
    rig.submit(1, rows: 4000)
    rig.submit(2, rows: 60)
    rig.submit(3, rows: 50)
    rig.submit(4, rows: 20)
    #expect(rig.order() == [4, 2, 3, 1])
  }

  @Test("A parked one comes back before an equal begins")
  func parkedFirst() {
    var rig = Rig(blocks: 4)
    rig.submit(1, rows: 5, blocks: 4)
    rig.step()
    rig.scheduler.setMayPark(1, to: true)
    rig.submit(2, .urgent, blocks: 4)
    rig.submit(3, blocks: 4)
    #expect(rig.step().park == [1])
    #expect(rig.step().admit == [2])
    rig.scheduler.ended(2)
    let plan = rig.next()
    #expect(plan.resume == [1])
    #expect(plan.admit == [])
  }
}
