/// Requests to a cache, in order.
///
/// A key's weight never changes within a trace, as a block's does not.
package struct Trace: Sendable, Equatable {
  package struct Request: Sendable, Equatable {
    package var key: UInt64
    /// Bytes that the entry takes.
    package var weight: Int
    /// Milliseconds to make it again.
    package var cost: Double
    /// Which conversation asked, where that is known.
    package var session: UInt32?

    package init(key: UInt64, weight: Int, cost: Double, session: UInt32? = nil) {
      (self.key, self.weight, self.cost, self.session) = (key, weight, cost, session)
    }
  }

  package var name: String
  package var requests: [Request]

  package init(name: String, requests: [Request]) {
    (self.name, self.requests) = (name, requests)
  }

  /// How many different keys there are, and their bytes together.
  package var footprint: (keys: Int, bytes: Int) {
    var seen: Set<UInt64> = []
    var bytes = 0
    for request in requests where seen.insert(request.key).inserted { bytes += request.weight }
    return (seen.count, bytes)
  }

  /// The weight that all entries have, if they have one.
  package var commonWeight: Int? {
    guard let first = requests.first else { return nil }
    return requests.allSatisfy { $0.weight == first.weight } ? first.weight : nil
  }

  /// The cost that all entries have, if they have one.
  package var commonCost: Double? {
    guard let first = requests.first else { return nil }
    return requests.allSatisfy { $0.cost == first.cost } ? first.cost : nil
  }
}
