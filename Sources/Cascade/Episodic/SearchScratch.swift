/// Room for a search's intermediate results, which grows when an index has outgrown it.
@safe
package struct SearchScratch: ~Copyable {
  /// Panels to look into, as numbers.
  private(set) var panels: UnsafeMutablePointer<Int32>
  /// [panels] upper bounds of each panel's blocks.
  package private(set) var panelScores: UnsafeMutablePointer<Float>
  /// [16] scores of one panel's blocks.
  let scores: UnsafeMutablePointer<Float>
  private(set) var capacity: Int

  /// Scratch for indexes of up to `panels` panels.
  package init(panels capacity: Int) {
    let rounded = (capacity + 15) / 16 * 16
    self.capacity = rounded
    unsafe panels = .allocate(capacity: rounded)
    unsafe panelScores = .allocate(capacity: rounded)
    unsafe scores = .allocate(capacity: 16)
  }

  deinit {
    unsafe panels.deallocate()
    unsafe panelScores.deallocate()
    unsafe scores.deallocate()
  }

  /// Lists panels `0..<count`.
  mutating func choosePanels(_ count: Int) {
    if count > capacity { grow(to: 2 * count) }
    for panel in 0..<count { unsafe panels[panel] = Int32(panel) }
  }

  private mutating func grow(to count: Int) {
    unsafe panels.deallocate()
    unsafe panelScores.deallocate()
    capacity = (count + 15) / 16 * 16
    unsafe panels = .allocate(capacity: capacity)
    unsafe panelScores = .allocate(capacity: capacity)
  }

  /// Moves the best `limit` of the first `count` panels to the front, the last panel among them: what
  /// was said last is likeliest to matter. In order of number, so that the search reads forward.
  mutating func keepBest(_ limit: Int, of count: Int) -> Int {
    unsafe panelScores[count - 1] = .infinity
    // A selection sort of a few out of hundreds.
    for place in 0..<limit {
      var best = place
      for other in place..<count
      where unsafe panelScores[Int(panels[other])] > panelScores[Int(panels[best])] {
        best = other
      }
      let moved = unsafe panels[best]
      unsafe panels[best] = panels[place]
      unsafe panels[place] = moved
    }
    var kept = unsafe UnsafeMutableBufferPointer(start: panels, count: limit)
    unsafe kept.sort()
    return limit
  }
}
