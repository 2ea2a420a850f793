/// Keeps what saves the most milliseconds per byte: greedy-dual, by size and frequency.
///
/// Each entry has a value H = L + frequency × cost / weight; the least valuable leaves first, and its
/// value becomes the clock L. So an entry that is no longer asked for is outlived by newcomers, whose
/// values start at the clock, however often it was asked for long ago. Among equals the one asked for
/// longest ago leaves.
///
/// The newest entry stays out of the comparison while another can leave, and gets its value from the
/// clock as it stands after those evictions: otherwise a full cache of popular entries would write
/// each newcomer and drop it at once. Entries are in a binary heap: O(log n) for each operation.
///
/// Sources: L. Cherkasova, "Improving WWW proxies performance with greedy-dual-size-frequency
/// caching policy", HP Labs HPL-98-69R1, 1998; P. Cao, S. Irani, "Cost-aware WWW proxy caching
/// algorithms", USITS 1997.
package struct GDSF<Key: CacheKey>: EvictionPolicy {
  private static var all: UInt8 { 0 }

  private struct Payload: Sendable {
    var cost: Double
    var frequency = 1.0
    var value = 0.0
    /// When it was asked for last, in requests since the policy began.
    var time: Int
    /// Its place in the heap; -1 when it is not there: pinned, or the newest.
    var position: Int32 = -1
  }

  package var budget: Int
  private var table = EntryTable<Key, Payload>(queues: 1)
  /// Slots, each less than its children at 2i+1 and 2i+2 in the order in which they leave.
  private var heap: [Int32] = []
  private var newest: Int32?
  private var clock = 0.0
  private var time = 0

  package init(budget: Int) { self.budget = budget }

  package var usedBytes: Int { table.bytes }
  package var count: Int { table.count }

  package func contains(_ key: Key) -> Bool { table.slot(of: key) != nil }

  package mutating func recordAccess(_ key: Key) {
    time += 1
    guard let slot = table.slot(of: key) else { return }
    if slot == newest { settleNewest() }
    table[slot].payload.frequency += 1
    revalue(slot)
  }

  package func admits(_ key: Key, weight: Int, cost: Double) -> Bool { weight <= budget }

  package mutating func insert(_ key: Key, weight: Int, cost: Double) {
    settleNewest()
    newest = table.add(
      key, weight: weight, payload: Payload(cost: cost, time: time), to: Self.all)
  }

  package func victim() -> Key? { (heap.first ?? newest).map { table[$0].key } }

  package mutating func remove(_ key: Key, reason: RemovalReason) {
    guard let slot = table.slot(of: key) else { return }
    if reason == .evicted { clock = max(clock, table[slot].payload.value) }
    if slot == newest { newest = nil }
    takeFromHeap(slot)
    table.drop(slot)
  }

  package mutating func pin(_ key: Key) {
    guard let slot = table.slot(of: key) else { return }
    if slot == newest { settleNewest() }
    table[slot].pins += 1
    takeFromHeap(slot)
  }

  package mutating func unpin(_ key: Key) {
    guard let slot = table.slot(of: key), table[slot].pins > 0 else { return }
    table[slot].pins -= 1
    if table[slot].pins == 0 { push(slot) }
  }

  // MARK: - Values and the heap

  /// Lets the newest entry compete.
  private mutating func settleNewest() {
    guard let slot = newest else { return }
    newest = nil
    push(slot)
    revalue(slot)
  }

  private mutating func revalue(_ slot: Int32) {
    let entry = table[slot]
    let worth = entry.payload.frequency * entry.payload.cost / Double(max(1, entry.weight))
    table[slot].payload.value = clock + worth
    table[slot].payload.time = time
    let position = Int(entry.payload.position)
    // A value never falls, so its entry never moves towards the root.
    if position >= 0 { siftDown(position) }
  }

  private func leavesBefore(_ a: Int32, _ b: Int32) -> Bool {
    let (a, b) = (table[a].payload, table[b].payload)
    return a.value != b.value ? a.value < b.value : a.time < b.time
  }

  private mutating func place(_ slot: Int32, at position: Int) {
    heap[position] = slot
    table[slot].payload.position = Int32(position)
  }

  private mutating func push(_ slot: Int32) {
    heap.append(slot)
    siftUp(heap.count - 1)
  }

  private mutating func takeFromHeap(_ slot: Int32) {
    let position = Int(table[slot].payload.position)
    guard position >= 0 else { return }
    table[slot].payload.position = -1
    let last = heap.removeLast()
    guard last != slot else { return }
    place(last, at: position)
    siftDown(position)
    siftUp(Int(table[last].payload.position))
  }

  private mutating func siftUp(_ start: Int) {
    var position = start
    let slot = heap[position]
    while position > 0 {
      let parent = (position - 1) / 2
      guard leavesBefore(slot, heap[parent]) else { break }
      place(heap[parent], at: position)
      position = parent
    }
    place(slot, at: position)
  }

  private mutating func siftDown(_ start: Int) {
    var position = start
    let slot = heap[position]
    while true {
      var child = 2 * position + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, leavesBefore(heap[child + 1], heap[child]) { child += 1 }
      guard leavesBefore(heap[child], slot) else { break }
      place(heap[child], at: position)
      position = child
    }
    place(slot, at: position)
  }
}
