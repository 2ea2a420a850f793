import Cache
import TestSupport
import Testing

@Suite("Replays")
struct SimulatorTests {
  private func hitRatio(_ trace: Trace, _ kind: PolicyKind, percent: Int) throws -> Double {
    let budget = trace.footprint.bytes * percent / 100
    return try Simulator.replay(trace, through: kind, budget: budget)[.requests]
  }

  @Test("A loop a tenth above the capacity defeats LRU, but not W-TinyLFU and S3-FIFO")
  func loop() throws {
    let trace = Workload.loop.makeTrace(requests: 100_000, seed: 1)
    #expect(try hitRatio(trace, .lru, percent: 90) < 0.01)
    #expect(try hitRatio(trace, .wTinyLFU, percent: 90) > 0.5)
    #expect(try hitRatio(trace, .s3FIFO, percent: 90) > 0.5)
  }

  @Test("Everything is kept where there is room for everything", arguments: Workload.allCases)
  func plenty(workload: Workload) throws {
    let trace = workload.makeTrace(requests: 20_000, seed: 3)
    let (keys, bytes) = trace.footprint
    for kind in PolicyKind.allCases {
      let score = try Simulator.replay(trace, through: kind, budget: bytes)
      #expect(score.hits.requests == Double(trace.requests.count - keys))
    }
    #expect(OfflineBound(trace).score(budget: bytes)[.requests] <= 1)
  }

  @Test("No policy beats the bound, by any metric", arguments: Workload.allCases)
  func bound(workload: Workload) throws {
    let trace = workload.makeTrace(requests: 20_000, seed: 7)
    let bound = OfflineBound(trace)
    for percent in [1, 10, 50] {
      let budget = trace.footprint.bytes * percent / 100
      let best = bound.score(budget: budget)
      for kind in PolicyKind.allCases {
        let score = try Simulator.replay(trace, through: kind, budget: budget)
        for metric in Metric.allCases {
          #expect(score[metric] <= best[metric] + 1e-9, "\(kind), \(percent)%, \(metric)")
        }
      }
    }
  }

  /// The optimum by trying everything: which set of residents could be there after each request.
  private func exhaustive(_ trace: Trace, budget: Int, _ metric: Metric) -> Double {
    var best: [Set<UInt64>: Double] = [[]: 0]
    var weights: [UInt64: Int] = [:]
    for request in trace.requests {
      weights[request.key] = request.weight
      let worth =
        switch metric {
        case .requests: 1.0
        case .bytes: Double(request.weight)
        case .milliseconds: request.cost
        }
      var after: [Set<UInt64>: Double] = [:]
      for (residents, value) in best {
        let gained = value + (residents.contains(request.key) ? worth : 0)
        let all = Array(residents.union([request.key]))
        for choice in 0..<(1 << all.count) {
          let kept = Set(all.indices.filter { choice >> $0 & 1 == 1 }.map { all[$0] })
          guard kept.reduce(0, { $0 + weights[$1]! }) <= budget else { continue }
          after[kept] = max(after[kept] ?? 0, gained)
        }
      }
      best = after
    }
    return best.values.max() ?? 0
  }

  @Test(
    "The bound is what trying everything finds, or above it where it is not exact",
    arguments: 1...40)
  func exhausted(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let isUnit = seed.isMultiple(of: 2)
    let entries = (0..<5).map { key in
      Trace.Request(
        key: UInt64(key), weight: isUnit ? 3 : Int.random(in: 1...6, using: &random),
        cost: isUnit ? 2 : Double(Int.random(in: 1...9, using: &random)))
    }
    let trace = Trace(
      name: "small", requests: (0..<16).map { _ in entries.randomElement(using: &random)! })
    let bound = OfflineBound(trace)
    for budget in [1, 3, 5, 8] {
      let score = bound.score(budget: budget)
      for metric in Metric.allCases {
        let most = exhaustive(trace, budget: budget, metric)
        let bounded = score[metric] * total(trace, metric)
        #expect(bound.isExact(metric) == isUnit || entries.count == 1)
        if isUnit {
          #expect(abs(bounded - most) < 1e-6, "seed \(seed), budget \(budget), \(metric)")
        } else {
          #expect(bounded >= most - 1e-6, "seed \(seed), budget \(budget), \(metric)")
        }
      }
    }
  }

  private func total(_ trace: Trace, _ metric: Metric) -> Double {
    switch metric {
    case .requests: Double(trace.requests.count)
    case .bytes: Double(trace.requests.reduce(0) { $0 + $1.weight })
    case .milliseconds: trace.requests.reduce(0) { $0 + $1.cost }
    }
  }

  @Test("The same seed gives the same trace and figures, another one another trace")
  func repeatable() throws {
    for workload in Workload.allCases {
      let trace = workload.makeTrace(requests: 5000, seed: 5)
      #expect(trace == workload.makeTrace(requests: 5000, seed: 5))
      #expect(trace.requests.count == 5000)
      let other = workload.makeTrace(requests: 5000, seed: 6)
      #expect((other == trace) == (workload == .loop))
    }
    let trace = Workload.chat.makeTrace(requests: 5000, seed: 5)
    let budget = trace.footprint.bytes / 10
    // The figure itself, because a hash that is seeded anew in each process would change it.
    let score = try Simulator.replay(trace, through: .wTinyLFU, budget: budget)
    #expect(score == (try Simulator.replay(trace, through: .wTinyLFU, budget: budget)))
  }

  @Test("In a conversation the head is asked for more often than the tail")
  func heads() {
    let trace = Workload.chat.makeTrace(requests: 50_000, seed: 2)
    var counts: [UInt64: (requests: Int, cost: Double)] = [:]
    for request in trace.requests {
      counts[request.key, default: (0, request.cost)].requests += 1
    }
    let byDepth = counts.values.sorted { $0.cost < $1.cost }
    let (head, tail) = (byDepth.prefix(byDepth.count / 4), byDepth.suffix(byDepth.count / 4))
    let headRequests = head.reduce(0) { $0 + $1.requests }
    let tailRequests = tail.reduce(0) { $0 + $1.requests }
    #expect(headRequests > 3 * tailRequests)
  }
}
