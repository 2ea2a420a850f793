import Scheduling
import Testing

@Suite("The checker of the simulation notices mistakes")
struct CheckerTests {
  /// Whether one of some hundred schedules shows a mistake, told with these words.
  private func isNoticed(
    _ words: String = "", tokens: Int = 20, steps: Int = 80,
    _ mutate: (inout SchedulerLimits) -> Void
  ) -> Bool {
    let scale = SimulationTests.Scale(steps: steps, requests: 40, tokens: tokens, schedules: 0)
    return (0..<400 as Range<UInt64>).contains { seed in
      SimulationTests.run(seed: seed, scale, mutate: mutate)
        .contains { words.isEmpty || $0.contains(words) }
    }
  }

  @Test("A scheduler that ignores age")
  func ageless() {
    // Long enough for something to starve.
    #expect(isNoticed("has waited", tokens: 300, steps: 800) { $0.ageing = .max })
  }

  @Test("A scheduler that is hasty with age")
  func hasty() {
    #expect(isNoticed("before a more urgent one") { $0.ageing = 1 })
  }

  @Test("A scheduler that forgets the quantum")
  func noQuantum() {
    #expect(isNoticed("quantum") { $0.quantum = 0 })
  }

  @Test("A scheduler that gives idle ones no patience, or too much")
  func patience() {
    #expect(isNoticed { $0.idlePatience = 0 })
    #expect(isNoticed { $0.idlePatience = 1_000 })
  }

  @Test("A scheduler with chunks or passes that are too large")
  func chunks() {
    #expect(isNoticed { $0.prefillRowsBesideDecodes += 1 })
    #expect(isNoticed { $0.prefillRowsAlone += 1 })
    #expect(isNoticed { $0.rows += 1 })
  }

  @Test("A queue that is longer than it may be")
  func queue() {
    #expect(isNoticed { $0.queue += 1 })
  }

  // MARK: - Plans that are changed afterwards

  /// A world in which two of three decode, a prompt is read, and two wait for blocks.
  private func world() -> World {
    var world = World(width: 2, budget: 10, limits: SchedulerLimits())
    world.submit(Request(id: 1, priority: .urgent, promptRows: 0, blocks: 2), tokens: 100)
    world.submit(Request(id: 2, promptRows: 0, blocks: 2), tokens: 100)
    world.submit(Request(id: 3, priority: .urgent, promptRows: 0, blocks: 2), tokens: 100)
    world.step()
    world.submit(Request(id: 4, priority: .urgent, promptRows: 9, blocks: 3), tokens: 9)
    world.setWidth(3)
    world.step()
    world.setWidth(2)
    world.submit(Request(id: 5, priority: .urgent, promptRows: 9, blocks: 9), tokens: 9)
    world.submit(Request(id: 6, priority: .background, promptRows: 9, blocks: 1), tokens: 9)
    return world
  }

  /// What the checker says of a plan that has been changed.
  private func faults(changing change: (inout PassPlan) -> Void) -> [String] {
    var world = world()
    world.pass += 1
    let before = world.known
    world.scheduler.plan(at: 0, into: &world.plan)
    change(&world.plan)
    world.adopt()
    world.check(world.plan, before: before)
    return world.faults
  }

  @Test("Unchanged plans pass")
  func unchanged() { #expect(faults { _ in } == []) }

  @Test("A decode that is left out, or is too much, or comes before a more urgent one")
  func decodes() {
    #expect(!faults { $0.decode.removeLast() }.isEmpty)
    #expect(!faults { $0.decode.append(2) }.isEmpty)
    #expect(!faults { $0.decode[1] = 2 }.isEmpty)
    #expect(!faults { $0.decode[1] = $0.decode[0] }.isEmpty)
    #expect(!faults { $0.decode[1] = 5 }.isEmpty)
  }

  @Test("A request that begins before a more urgent one, or beyond the budget, or twice")
  func beginnings() {
    #expect(!faults { $0.admit.append(6) }.isEmpty)
    #expect(!faults { $0.admit.append(5) }.isEmpty)
    #expect(!faults { $0.admit.append(1) }.isEmpty)
    #expect(!faults { $0.resume.append(6) }.isEmpty)
  }

  @Test("A request that is parked for nobody, or where it may not be")
  func parks() {
    #expect(!faults { $0.park.append(2) }.isEmpty)
    #expect(!faults { $0.park.append(1) }.isEmpty)
  }

  @Test("A request that is said to be late and is not")
  func expiry() { #expect(!faults { $0.expired.append(2) }.isEmpty) }
}
