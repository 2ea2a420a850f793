/// The traces that can be generated, by the names that options give them.
package enum Workload: String, Sendable, CaseIterable {
  /// Independent requests whose popularity follows Zipf's law with this exponent.
  case zipf08 = "zipf-0.8"
  case zipf10 = "zipf-1.0"
  case zipf12 = "zipf-1.2"
  /// The same keys over and over, in order. A cache of 90% of them is a tenth too small.
  case loop
  /// Zipf's law, interrupted by long runs of keys that are asked for once.
  case scan
  /// Zipf's law over keys that slowly give way to others.
  case shift
  /// Zipf's law over entries whose weights and costs differ by two orders of magnitude.
  case sized
  /// The blocks of conversations; see `ChatModel`.
  case chat

  /// Generates about `requests` requests.
  package func makeTrace(requests: Int, seed: UInt64) -> Trace {
    var random = TraceRandom(seed: seed)
    let made =
      switch self {
      case .zipf08: Self.zipf(0.8, requests, &random)
      case .zipf10: Self.zipf(1.0, requests, &random)
      case .zipf12: Self.zipf(1.2, requests, &random)
      case .loop: Self.loop(requests)
      case .scan: Self.scan(requests, &random)
      case .shift: Self.shift(requests, &random)
      case .sized: Self.sized(requests, &random)
      case .chat: ChatModel().makeRequests(requests, &random)
      }
    return Trace(name: rawValue, requests: made)
  }

  /// Keys for so many requests: each is asked for some ten to twenty times.
  private static func keys(for requests: Int) -> Int { max(100, requests / 20) }

  /// A request for an entry like all others: 64 KiB, 10 ms.
  private static func unit(_ key: Int) -> Trace.Request {
    Trace.Request(key: UInt64(key), weight: 65_536, cost: 10)
  }

  private static func zipf(
    _ exponent: Double, _ count: Int, _ random: inout TraceRandom
  ) -> [Trace.Request] {
    let ranks = ZipfRanks(count: keys(for: count), exponent: exponent)
    return (0..<count).map { _ in unit(ranks.next(&random)) }
  }

  private static func loop(_ count: Int) -> [Trace.Request] {
    let keys = keys(for: count)
    return (0..<count).map { unit($0 % keys) }
  }

  private static func scan(_ count: Int, _ random: inout TraceRandom) -> [Trace.Request] {
    let keys = keys(for: count)
    let ranks = ZipfRanks(count: keys, exponent: 1)
    var requests: [Trace.Request] = []
    var fresh = keys
    while requests.count < count {
      for _ in 0..<keys { requests.append(unit(ranks.next(&random))) }
      // As long as a cache of a quarter of the popular keys.
      for _ in 0..<(keys / 4) {
        requests.append(unit(fresh))
        fresh += 1
      }
    }
    return Array(requests.prefix(count))
  }

  private static func shift(_ count: Int, _ random: inout TraceRandom) -> [Trace.Request] {
    let keys = keys(for: count)
    let ranks = ZipfRanks(count: keys / 4, exponent: 0.8)
    // The most popular key falls off and a new one joins, so that all are replaced some ten times.
    let interval = max(1, count / (10 * (keys / 4)))
    // The rank is shuffled over the living keys: a key is born at any popularity and keeps it.
    return (0..<count).map { time in
      let rank = ranks.next(&random)
      let place = rank &* 7919 % (keys / 4)
      // Each place gets a new key once a round, at a time of its own.
      let generation = (time / interval + place) / (keys / 4)
      return unit(place + generation * (keys / 4))
    }
  }

  private static func sized(_ count: Int, _ random: inout TraceRandom) -> [Trace.Request] {
    let keys = keys(for: count)
    let ranks = ZipfRanks(count: keys, exponent: 0.9)
    // 4 KiB to 512 KiB and 1 to 100 ms, neither bound to the other nor to popularity.
    let entries = (0..<keys).map { key in
      Trace.Request(
        key: UInt64(key), weight: 4096 << random.next(in: 0...7),
        cost: Double(1 + random.next(in: 0...99)))
    }
    return (0..<count).map { _ in entries[ranks.next(&random)] }
  }
}
