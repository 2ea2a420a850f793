/// A policy whose kind is chosen at run time.
///
/// `any EvictionPolicy` would do the same, but its calls reach code that is compiled for every key
/// at once, which took 8 to 28 times as long; here the compiler sees each policy with its key. The
/// policies lie side by side, all but the chosen one empty, because a case of an enumeration cannot
/// be changed in place.
package struct ChosenPolicy<Key: CacheKey>: EvictionPolicy {
  package let kind: PolicyKind
  private var lru: LRU<Key>
  private var wTinyLFU: WTinyLFU<Key>
  private var gdsf: GDSF<Key>
  private var s3FIFO: S3FIFO<Key>

  /// A least recently used policy.
  package init(budget: Int) { self.init(.lru, budget: budget) }

  /// - Parameter window: how large the window of W-TinyLFU is.
  package init(_ kind: PolicyKind, budget: Int, window: TinyLFUWindow = .adaptive) {
    self.kind = kind
    lru = LRU(budget: budget)
    wTinyLFU = WTinyLFU(budget: budget, window: window)
    gdsf = GDSF(budget: budget)
    s3FIFO = S3FIFO(budget: budget)
  }

  package var budget: Int {
    get {
      switch kind {
      case .lru: lru.budget
      case .wTinyLFU: wTinyLFU.budget
      case .gdsf: gdsf.budget
      case .s3FIFO: s3FIFO.budget
      }
    }
    set {
      switch kind {
      case .lru: lru.budget = newValue
      case .wTinyLFU: wTinyLFU.budget = newValue
      case .gdsf: gdsf.budget = newValue
      case .s3FIFO: s3FIFO.budget = newValue
      }
    }
  }

  package var usedBytes: Int {
    switch kind {
    case .lru: lru.usedBytes
    case .wTinyLFU: wTinyLFU.usedBytes
    case .gdsf: gdsf.usedBytes
    case .s3FIFO: s3FIFO.usedBytes
    }
  }

  package var count: Int {
    switch kind {
    case .lru: lru.count
    case .wTinyLFU: wTinyLFU.count
    case .gdsf: gdsf.count
    case .s3FIFO: s3FIFO.count
    }
  }

  package func contains(_ key: Key) -> Bool {
    switch kind {
    case .lru: lru.contains(key)
    case .wTinyLFU: wTinyLFU.contains(key)
    case .gdsf: gdsf.contains(key)
    case .s3FIFO: s3FIFO.contains(key)
    }
  }

  package mutating func recordAccess(_ key: Key) {
    switch kind {
    case .lru: lru.recordAccess(key)
    case .wTinyLFU: wTinyLFU.recordAccess(key)
    case .gdsf: gdsf.recordAccess(key)
    case .s3FIFO: s3FIFO.recordAccess(key)
    }
  }

  package func admits(_ key: Key, weight: Int, cost: Double) -> Bool {
    switch kind {
    case .lru: lru.admits(key, weight: weight, cost: cost)
    case .wTinyLFU: wTinyLFU.admits(key, weight: weight, cost: cost)
    case .gdsf: gdsf.admits(key, weight: weight, cost: cost)
    case .s3FIFO: s3FIFO.admits(key, weight: weight, cost: cost)
    }
  }

  package mutating func insert(_ key: Key, weight: Int, cost: Double) {
    switch kind {
    case .lru: lru.insert(key, weight: weight, cost: cost)
    case .wTinyLFU: wTinyLFU.insert(key, weight: weight, cost: cost)
    case .gdsf: gdsf.insert(key, weight: weight, cost: cost)
    case .s3FIFO: s3FIFO.insert(key, weight: weight, cost: cost)
    }
  }

  package mutating func victim() -> Key? {
    switch kind {
    case .lru: lru.victim()
    case .wTinyLFU: wTinyLFU.victim()
    case .gdsf: gdsf.victim()
    case .s3FIFO: s3FIFO.victim()
    }
  }

  package mutating func remove(_ key: Key, reason: RemovalReason) {
    switch kind {
    case .lru: lru.remove(key, reason: reason)
    case .wTinyLFU: wTinyLFU.remove(key, reason: reason)
    case .gdsf: gdsf.remove(key, reason: reason)
    case .s3FIFO: s3FIFO.remove(key, reason: reason)
    }
  }

  package mutating func pin(_ key: Key) {
    switch kind {
    case .lru: lru.pin(key)
    case .wTinyLFU: wTinyLFU.pin(key)
    case .gdsf: gdsf.pin(key)
    case .s3FIFO: s3FIFO.pin(key)
    }
  }

  package mutating func unpin(_ key: Key) {
    switch kind {
    case .lru: lru.unpin(key)
    case .wTinyLFU: wTinyLFU.unpin(key)
    case .gdsf: gdsf.unpin(key)
    case .s3FIFO: s3FIFO.unpin(key)
    }
  }
}
