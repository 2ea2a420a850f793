package import Cache

/// A block that a layer has chosen to see beside its window.
@safe
package struct Pick {
  /// Number of the block in its index.
  package var block: Int32
  /// Whether the block is another session's.
  package var isPast: Bool
  package var score: Float
  /// Its layer's bytes, once they have been found; nil when they are not in memory.
  package var bytes: UnsafePointer<UInt8>?
  /// What the store lent, to be given back; nil for what is seen in the sequence's own blocks.
  package var loan: LentFrame?

  package init(block: Int32, isPast: Bool, score: Float) {
    self.block = block
    self.isPast = isPast
    self.score = score
    unsafe bytes = nil
    loan = nil
  }

  /// Past sessions come before the present one, and each is in the order of its time.
  func isEarlier(than other: Pick) -> Bool {
    isPast != other.isPast ? isPast : block < other.block
  }
}

/// The best few blocks of a search, in a fixed room.
@safe
package struct Picks: ~Copyable {
  private let storage: UnsafeMutablePointer<Pick>
  package let capacity: Int
  package private(set) var count = 0

  package init(capacity: Int) {
    self.capacity = capacity
    unsafe storage = .allocate(capacity: max(1, capacity))
  }

  deinit {
    unsafe storage.deinitialize(count: count)
    unsafe storage.deallocate()
  }

  package subscript(index: Int) -> Pick {
    get {
      precondition(index < count)
      return unsafe storage[index]
    }
    set {
      precondition(index < count)
      unsafe storage[index] = newValue
    }
  }

  package mutating func removeAll() {
    unsafe storage.deinitialize(count: count)
    count = 0
  }

  /// Takes a block after all others; there must be room.
  package mutating func append(_ pick: Pick) {
    precondition(count < capacity)
    unsafe (storage + count).initialize(to: pick)
    count += 1
  }

  /// Takes a block among the best, in place of the worst when there is no room. Of equals, the
  /// first one offered stays.
  package mutating func offer(_ pick: Pick) {
    var place: Int
    if count < capacity {
      place = count
      unsafe (storage + place).initialize(to: pick)
      count += 1
    } else {
      guard capacity > 0, unsafe storage[count - 1].score < pick.score else { return }
      place = count - 1
      unsafe storage[place] = pick
    }
    while place > 0, unsafe storage[place - 1].score < storage[place].score {
      swap(place, place - 1)
      place -= 1
    }
  }

  /// Puts the blocks in the order of time.
  package mutating func sortByTime() {
    for index in 1..<max(1, count) {
      var place = index
      while place > 0, unsafe storage[place].isEarlier(than: storage[place - 1]) {
        swap(place, place - 1)
        place -= 1
      }
    }
  }

  private func swap(_ a: Int, _ b: Int) {
    let moved = unsafe storage[a]
    unsafe storage[a] = storage[b]
    unsafe storage[b] = moved
  }
}
