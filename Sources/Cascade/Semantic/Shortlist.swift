/// The blocks of a sequence that layers may choose among: those that share most with the latest words,
/// then the newest.
///
/// It bounds what a choice costs, however long the sequence is.
package struct Shortlist {
  /// The most blocks on it.
  package static let capacity = 32

  private var list: [32 of Int32] = .init(repeating: 0)
  private var scores: [32 of Float] = .init(repeating: 0)
  package private(set) var count = 0

  package init() {}

  /// Takes a block among the best, in place of the worst when there is no room. Of equals the newer
  /// one stays.
  package mutating func offer(_ block: Int, score: Float) {
    var place = count
    if count < Self.capacity {
      count += 1
    } else {
      place -= 1
      guard isWorse(place, than: block, score) else { return }
    }
    while place > 0, isWorse(place - 1, than: block, score) {
      list[place] = list[place - 1]
      scores[place] = scores[place - 1]
      place -= 1
    }
    list[place] = Int32(block)
    scores[place] = score
  }

  private func isWorse(_ place: Int, than block: Int, _ score: Float) -> Bool {
    (scores[place], list[place]) < (score, Int32(block))
  }

  /// Fills what room is left with the newest blocks below `limit`, and puts all in the order of time.
  package mutating func complete(below limit: Int) {
    let matched = count
    var block = limit - 1
    while count < Self.capacity, block >= 0 {
      var isKnown = false
      for place in 0..<matched where list[place] == Int32(block) { isKnown = true }
      if !isKnown {
        list[count] = Int32(block)
        count += 1
      }
      block -= 1
    }
    for index in 1..<max(1, count) {
      var place = index
      while place > 0, list[place - 1] > list[place] {
        list.swapAt(place, place - 1)
        place -= 1
      }
    }
  }

  /// The number of the block at `place`: ascending once the list is complete.
  package subscript(place: Int) -> Int { Int(list[place]) }
}
