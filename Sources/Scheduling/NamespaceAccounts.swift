/// Rows and tokens served to each namespace: whoever has had least is served first among equals.
///
/// A namespace that appears, or comes back, starts at the least of those that are there: time away
/// earns nothing. What one has had beyond that is remembered.
struct NamespaceAccounts: Sendable {
  struct Account: Sendable {
    var namespace: UInt64
    var served = 0
    /// Requests that have not ended.
    var requests = 0
  }

  private(set) var accounts: [Account] = []
  private(set) var index: [UInt64: Int] = [:]
  private var free: [Int] = []

  /// A request of a namespace arrives; gives the place of its account, which is its own until it leaves.
  mutating func enter(_ namespace: UInt64) -> Int {
    if let place = index[namespace], accounts[place].requests > 0 {
      accounts[place].requests += 1
      return place
    }
    let least = accounts.lazy.filter { $0.requests > 0 }.map(\.served).min() ?? 0
    prune(below: least)
    if let place = index[namespace] {
      accounts[place].requests = 1
      return place
    }
    let account = Account(namespace: namespace, served: least, requests: 1)
    let place: Int
    if let reused = free.popLast() {
      place = reused
      accounts[place] = account
    } else {
      place = accounts.count
      accounts.append(account)
    }
    index[namespace] = place
    return place
  }

  mutating func leave(_ place: Int) {
    accounts[place].requests -= 1
    // When nobody is left, nobody has had more than another.
    if accounts.allSatisfy({ $0.requests == 0 }) {
      accounts.removeAll(keepingCapacity: true)
      index.removeAll(keepingCapacity: true)
      free.removeAll(keepingCapacity: true)
    }
  }

  mutating func serve(_ place: Int, _ count: Int) { accounts[place].served += count }

  func served(_ place: Int) -> Int { accounts[place].served }

  /// Forgets who is away and has had no more than those that are there.
  private mutating func prune(below least: Int) {
    guard index.count > accounts.lazy.filter({ $0.requests > 0 }).count else { return }
    for place in accounts.indices {
      let account = accounts[place]
      guard account.requests == 0, account.served <= least,
        index[account.namespace] == place
      else { continue }
      index[account.namespace] = nil
      free.append(place)
    }
  }
}
