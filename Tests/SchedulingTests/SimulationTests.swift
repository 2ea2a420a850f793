import Scheduling
import TestSupport
import Testing

@Suite("Random schedules")
struct SimulationTests {
  /// How a schedule is drawn.
  struct Scale: Sendable, CustomTestStringConvertible {
    var steps: Int
    var requests: Int
    var tokens: Int
    var schedules: Int

    var testDescription: String { "\(schedules) of \(steps) steps" }

    static let short = Scale(steps: 14, requests: 10, tokens: 8, schedules: 24_500)
    static let medium = Scale(steps: 80, requests: 40, tokens: 20, schedules: 480)
    static let long = Scale(steps: 1500, requests: 160, tokens: 60, schedules: 20)
  }

  @Test(
    "Whatever happens: nothing is lost or held twice, limits and priorities hold, everything ends",
    arguments: [Scale.short, .medium, .long], 0..<4)
  func schedules(scale: Scale, part: Int) {
    for number in 0..<scale.schedules {
      let seed = UInt64(scale.steps) << 32 | UInt64(part * scale.schedules + number)
      let faults = Self.run(seed: seed, scale)
      #expect(faults.isEmpty, "seed \(seed): \(faults.prefix(3))")
      if !faults.isEmpty { return }
    }
  }

  /// - Returns: what went wrong.
  static func run(
    seed: UInt64, _ scale: Scale, mutate: (inout SchedulerLimits) -> Void = { _ in }
  ) -> [String] {
    var random = SeededGenerator(seed: seed)
    func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }
    var limits = SchedulerLimits()
    limits.rows = .random(in: 2...24, using: &random)
    limits.prefillRowsAlone = .random(in: 1...24, using: &random)
    limits.prefillRowsBesideDecodes = .random(in: 1...8, using: &random)
    limits.queue = .random(in: 1...scale.requests, using: &random)
    limits.ageing = .random(in: 1...20, using: &random)
    limits.quantum = .random(in: 0...12, using: &random)
    limits.idlePatience = .random(in: 0...10, using: &random)
    let budget = Int.random(in: 1...40, using: &random)
    var mutant = limits
    mutate(&mutant)
    var world = World(
      width: .random(in: 1...8, using: &random), budget: budget, limits: limits, mutant: mutant)
    let mostPrefix = Int.random(in: 0...4, using: &random)
    // Some schedules are mostly urgent, so that age matters.
    let urgency = Int.random(in: 1...6, using: &random)
    var nextID: UInt64 = 1

    for _ in 0..<scale.steps {
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let some =
          world.known.isEmpty
          ? 0 : world.known[Int.random(in: 0..<world.known.count, using: &random)].request.id
        switch Int.random(in: 0..<14, using: &random) {
        case 0..<7 where world.known.count < scale.requests:
          let priority: Priority =
            !chance(urgency) ? .urgent : chance(2) ? .normal : .background
          let tokens = Int.random(in: 1...scale.tokens, using: &random)
          world.submit(
            Request(
              id: nextID, namespace: .random(in: 0...2, using: &random), priority: priority,
              promptRows: chance(5) ? 0 : .random(in: 1...(chance(4) ? 90 : 12), using: &random),
              expectedTokens: chance(3) ? nil : tokens,
              blocks: chance(9)
                ? .random(in: 0...44, using: &random) : .random(in: 0...8, using: &random),
              prefix: (0..<mostPrefix).map { _ in .random(in: 0...1, using: &random) },
              deadline: chance(8)
                ? world.now + .random(in: 0...40, using: &random) : nil,
              hasDemand: !chance(6)), tokens: tokens)
          nextID += 1
        case 7: world.cancel(chance(4) ? 9_999_999 : some)
        case 8: world.setPriority(some, Priority.allCases.randomElement(using: &random) ?? .normal)
        case 9, 10: world.setDemand(some, !chance(2))
        case 11: world.setWidth(.random(in: 1...8, using: &random))
        case 12:
          if let position = world.position(some) {
            world.known[position].isStubborn.toggle()
            if world.known[position].isStubborn { world.setMayPark(position, false) }
          }
        default: break
        }
      }
      step(&world, &random)
      if !world.faults.isEmpty { return world.faults }
    }
    drain(&world, &random)
    return world.faults
  }

  private static func step(_ world: inout World, _ random: inout SeededGenerator) {
    world.now += .random(in: 0...2, using: &random)
    world.ask()
    guard world.faults.isEmpty else { return }
    // What moves takes its time, and a park may fail.
    for id in world.known.filter(\.isMoving).map(\.request.id)
    where Int.random(in: 0..<3, using: &random) > 0 {
      world.finishMove(id, isRefused: Int.random(in: 0..<6, using: &random) == 0)
    }
    // Some are cancelled while they are in a pass.
    if let id = world.plan.decode.first, Int.random(in: 0..<20, using: &random) == 0 {
      world.cancel(id)
    }
    world.compute { Int.random(in: 1...3, using: &random) }
  }

  /// Nothing more arrives, and everybody wants to see the end: it must come.
  private static func drain(_ world: inout World, _ random: inout SeededGenerator) {
    for one in world.known { world.setDemand(one.request.id, true) }
    let work = world.known.reduce(10) { $0 + $1.rowsLeft + $1.tokensLeft }
    // Each pass reads or generates something, or something moves; a move takes three passes or so.
    var left = 4 * work + 40 * world.known.count
    while !world.known.isEmpty, left > 0, world.faults.isEmpty {
      step(&world, &random)
      left -= 1
    }
    guard world.faults.isEmpty else { return }
    if !world.known.isEmpty { world.fail("\(world.known.count) requests do not end") }
    for id in 0...world.lastID where world.scheduler.phase(of: id) != nil {
      world.fail("\(id) is left over")
    }
    if world.scheduler.heldBlocks != 0 {
      world.fail("\(world.scheduler.heldBlocks) blocks are lost")
    }
    if world.finished != world.submitted {
      world.fail("\(world.submitted) requests came and \(world.finished) went")
    }
  }
}
