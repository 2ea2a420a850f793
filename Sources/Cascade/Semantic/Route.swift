/// The few blocks that the words of the moment point to, for all layers: the first step of the
/// backward cascade.
package struct Route {
  package struct Target {
    /// Number of the block in the sequence, or of the entry in the past.
    package var block: Int32 = 0
    package var isPast = false
    /// What its words share with the latest ones; not above 0 for what only stands beside such a block.
    package var score: Float = 0

    package init(block: Int32 = 0, isPast: Bool = false, score: Float = 0) {
      self.block = block
      self.isPast = isPast
      self.score = score
    }
  }

  /// The most blocks that are pointed to.
  package static let capacity = 8
  /// The most of them whose own words do so.
  static let mostHits = 4

  package private(set) var targets: [8 of Target] = .init(repeating: Target())
  package private(set) var count = 0
  /// Whether layers may choose blocks of the sequence's own.
  var isOpen = false
  /// Among which, if they may.
  var shortlist = Shortlist()

  package init() {}

  /// Takes a block among the best, in place of the worst when there is no room. Of equals the newer
  /// one stays: what was said last holds.
  package mutating func offer(_ target: Target, limit: Int) {
    let limit = min(limit, Self.capacity)
    var place = count
    if count < limit {
      count += 1
    } else {
      guard limit > 0, !Self.isWorse(target, than: targets[limit - 1]) else { return }
      place = limit - 1
    }
    while place > 0, Self.isWorse(targets[place - 1], than: target) {
      targets[place] = targets[place - 1]
      place -= 1
    }
    targets[place] = target
  }

  private static func isWorse(_ a: Target, than b: Target) -> Bool {
    (a.score, a.isPast ? 0 : 1, a.block) < (b.score, b.isPast ? 0 : 1, b.block)
  }

  /// Takes the blocks beside the one at `place`, as far as there is room: what was said runs on over
  /// the ends of blocks.
  mutating func offer(_ neighbours: [2 of Int?], of place: Int, isPast: Bool, limit: Int) {
    for side in neighbours.indices {
      guard let block = neighbours[side], !contains(Int32(block), isPast: isPast) else { continue }
      let score = -Float(place)
      offer(Target(block: Int32(block), isPast: isPast, score: score), limit: limit)
    }
  }

  package func contains(block: Int) -> Bool { contains(Int32(block), isPast: false) }

  private func contains(_ block: Int32, isPast: Bool) -> Bool {
    for place in 0..<count
    where targets[place].isPast == isPast && targets[place].block == block { return true }
    return false
  }
}
