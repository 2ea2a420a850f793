import Scheduling
import Testing

@Suite("Fairness among namespaces")
struct FairnessTests {
  @Test("A namespace with ten times the requests gets as many tokens as another")
  func share() {
    var rig = Rig(width: 4)
    var served: [UInt64: Int] = [:]
    var lengths: [UInt64: Int] = [:]
    var next: UInt64 = 0
    func submit(_ namespace: UInt64, _ rig: inout Rig) {
      // The last digit tells the namespace.
      let id = next * 10 + namespace
      next += 1
      rig.submit(id, namespace: namespace)
      lengths[id] = 5 + Int(next) % 7
    }
    for _ in 0..<40 { submit(1, &rig) }
    for _ in 0..<4 { submit(2, &rig) }
    for _ in 0..<3000 {
      for id in rig.step().decode {
        served[id % 10, default: 0] += 1
        lengths[id]? -= 1
        guard lengths[id] == 0 else { continue }
        rig.scheduler.ended(id)
        submit(id % 10, &rig)
      }
    }
    let (many, few) = (served[1] ?? 0, served[2] ?? 0)
    #expect(abs(many - few) < 100, "\(many) and \(few) tokens")
  }

  @Test("A namespace that appears late has no claim on the past")
  func late() {
    var rig = Rig(width: 1)
    rig.submit(1, namespace: 1)
    rig.step()
    rig.scheduler.token(1, count: 1000)
    rig.submit(2, namespace: 1)
    rig.submit(3, namespace: 2)
    rig.submit(4, namespace: 2)
    rig.scheduler.ended(1)
    // They are equal: age decides; after one token, the other namespace is before.
    #expect(rig.step().admit == [2])
    rig.scheduler.ended(2)
    #expect(rig.step().admit == [3])
  }

  @Test("Going away and coming back does not clear what a namespace has had")
  func comeBack() {
    var rig = Rig(width: 2)
    rig.submit(1, namespace: 1)
    rig.submit(2, namespace: 2)
    rig.step()
    rig.scheduler.token(1, count: 50)
    rig.scheduler.ended(1)
    rig.submit(3, namespace: 1)
    rig.submit(4, namespace: 2)
    #expect(rig.step().admit == [4])
  }

  @Test("Rows that are read count as tokens do")
  func rows() {
    var rig = Rig(width: 2)
    rig.submit(1, namespace: 1, rows: 100)
    rig.submit(2, namespace: 2)
    rig.step()
    rig.submit(3, namespace: 1)
    rig.submit(4, namespace: 2)
    rig.scheduler.ended(1)
    #expect(rig.step().admit == [4])
  }
}
