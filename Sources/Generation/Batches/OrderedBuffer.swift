/// Puts what comes in any order back into its own: holds each until all before it have come.
package struct OrderedBuffer<Element> {
  /// The first place that has not come.
  package private(set) var next = 0
  private var held: [Int: Element] = [:]

  package init() {}

  package var count: Int { held.count }

  /// - Parameter place: from 0; each comes once.
  /// - Returns: those whose turn it is now, in order.
  package mutating func add(_ element: Element, at place: Int) -> [Element] {
    precondition(place >= next && held[place] == nil, "place \(place) comes a second time")
    held[place] = element
    var ready: [Element] = []
    while let element = held.removeValue(forKey: next) {
      ready.append(element)
      next += 1
    }
    return ready
  }
}
