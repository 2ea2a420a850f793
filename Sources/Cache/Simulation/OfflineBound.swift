/// The most that any policy could keep of a trace, even one that knows the future.
///
/// - Where all weights are equal, Belady's rule is the optimum: what is asked for again last, the
///   newcomer included, leaves (L. A. Belady, "A study of replacement algorithms for a
///   virtual-storage computer", IBM Systems Journal 5(2), 1966). The bound is then exact for
///   requests and bytes, and for milliseconds where all costs are equal too.
/// - Where they differ, the optimum is NP-hard, and the bound is PFOO-L (D. S. Berger, N. Beckmann,
///   M. Harchol-Balter, "Practical bounds on optimal caching with variable object sizes", POMACS
///   2(2), 2018). A hit needs the entry's bytes from the request before until this one. No policy can
///   spend more byte-requests on all hits than the budget times the trace's length. Taking the hits
///   that are worth most for each, and the last in part, is therefore at least as good as any policy,
///   for each metric separately; it may be better than is possible, since it may spend more than the
///   budget at a time.
package struct OfflineBound: Sendable {
  /// A request that would be a hit if its entry had been kept since the last one.
  private struct Interval {
    var request: Int
    /// Byte-requests that keeping it takes.
    var room: Double
  }

  private static let never = Int.max

  private let trace: Trace
  private let total: Score.Sum
  /// For each request, when its key is asked for again.
  private let next: [Int]
  private let commonWeight: Int?
  private let hasCommonCost: Bool
  /// By descending worth for each byte-request; empty where Belady's rule serves.
  private let intervals: [Metric: [Interval]]

  package init(_ trace: Trace) {
    let requests = trace.requests
    var next = [Int](repeating: Self.never, count: requests.count)
    var seen: [UInt64: Int] = [:]
    for i in requests.indices.reversed() {
      next[i] = seen.updateValue(i, forKey: requests[i].key) ?? Self.never
    }
    let commonWeight = trace.commonWeight
    let hasCommonCost = trace.commonCost != nil
    let relaxed = Metric.allCases.filter {
      commonWeight == nil || ($0 == .milliseconds && !hasCommonCost)
    }
    let all = requests.indices.filter { next[$0] != Self.never }.map { i in
      Interval(request: next[i], room: Double(requests[i].weight) * Double(next[i] - i))
    }
    intervals = Dictionary(
      uniqueKeysWithValues: relaxed.map { metric in
        let byWorth = all.map { ($0, Self.value(requests[$0.request], metric) / $0.room) }
          .sorted { $0.1 > $1.1 }
        return (metric, byWorth.map(\.0))
      })
    var total = Score.Sum()
    for request in requests { total += request }
    (self.trace, self.total, self.next) = (trace, total, next)
    (self.commonWeight, self.hasCommonCost) = (commonWeight, hasCommonCost)
  }

  /// Whether the bound is what a policy that knows the future does reach.
  package func isExact(_ metric: Metric) -> Bool { intervals[metric] == nil }

  package func score(budget: Int) -> Score {
    var score = Score(total: total)
    if let commonWeight { score.hits = belady(capacity: budget / commonWeight) }
    for (metric, intervals) in intervals {
      score.hits[keyPath: metric.path] = relaxed(intervals, metric, budget: budget)
    }
    return score
  }

  private static func value(_ request: Trace.Request, _ metric: Metric) -> Double {
    var sum = Score.Sum()
    sum += request
    return sum[keyPath: metric.path]
  }

  private func relaxed(_ intervals: [Interval], _ metric: Metric, budget: Int) -> Double {
    var room = Double(budget) * Double(trace.requests.count)
    var value = 0.0
    for interval in intervals where trace.requests[interval.request].weight <= budget {
      let request = trace.requests[interval.request]
      guard interval.room < room else {
        return value + Self.value(request, metric) * room / interval.room
      }
      room -= interval.room
      value += Self.value(request, metric)
    }
    return value
  }

  private func belady(capacity: Int) -> Score.Sum {
    var hits = Score.Sum()
    /// For each resident key, when it is asked for again.
    var residents: [UInt64: Int] = [:]
    /// When residents are asked for again, the last first; those in the past are no longer true.
    var uses = LatestFirst()
    for (i, request) in trace.requests.enumerated() {
      if residents[request.key] != nil { hits += request }
      guard next[i] != Self.never else {
        residents[request.key] = nil
        continue
      }
      residents[request.key] = next[i]
      uses.push(next[i])
      while residents.count > capacity, let last = uses.pop() {
        let key = trace.requests[last].key
        if residents[key] == last { residents[key] = nil }
      }
    }
    return hits
  }
}

/// A binary heap of times, the latest at its root.
private struct LatestFirst {
  private var times: [Int] = []

  mutating func push(_ time: Int) {
    times.append(time)
    var place = times.count - 1
    while place > 0, times[(place - 1) / 2] < times[place] {
      times.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func pop() -> Int? {
    guard let root = times.first, let last = times.popLast() else { return nil }
    guard !times.isEmpty else { return root }
    times[0] = last
    var place = 0
    while true {
      var child = 2 * place + 1
      guard child < times.count else { return root }
      if child + 1 < times.count, times[child + 1] > times[child] { child += 1 }
      guard times[child] > times[place] else { return root }
      times.swapAt(place, child)
      place = child
    }
  }
}
