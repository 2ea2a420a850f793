/// The entries of a policy: found by key, each in one of a few queues.
///
/// Entries lie in one array and are joined by indices, so that moving one touches a few words,
/// counts no references and allocates nothing; an entry's place in the array is its `Slot` until it
/// is dropped. Adding allocates only while the table grows past its largest size so far.
///
/// Invariants: an entry is in exactly one queue; a queue's `count` and `bytes` are those of the
/// entries that its links pass; `count` and `bytes` are the sums of all queues'.
struct EntryTable<Key: Hashable & Sendable, Payload: Sendable>: Sendable {
  typealias Slot = Int32

  struct Entry: Sendable {
    var key: Key
    var weight: Int
    var payload: Payload
    /// How often it has been pinned and not yet unpinned.
    var pins: Int32 = 0
    fileprivate(set) var queue: UInt8
    fileprivate var newer: Slot = -1
    fileprivate var older: Slot = -1
  }

  /// From the newest to the oldest entry.
  struct Queue: Sendable {
    fileprivate(set) var newest: Slot = -1
    fileprivate(set) var oldest: Slot = -1
    fileprivate(set) var count = 0
    fileprivate(set) var bytes = 0
  }

  private(set) var queues: [Queue]
  private(set) var bytes = 0
  private var entries: [Entry] = []
  private var index: [Key: Slot] = [:]
  /// The first free slot; the next one is its entry's `older`.
  private var free: Slot = -1

  var count: Int { index.count }

  init(queues count: Int) { queues = Array(repeating: Queue(), count: count) }

  subscript(slot: Slot) -> Entry {
    get { entries[Int(slot)] }
    set { entries[Int(slot)] = newValue }
    _modify { yield &entries[Int(slot)] }
  }

  func slot(of key: Key) -> Slot? { index[key] }

  /// The next entry towards the newest end of the same queue.
  func newer(than slot: Slot) -> Slot? { entries[Int(slot)].newer.asSlot }

  func newest(of queue: UInt8) -> Slot? { queues[Int(queue)].newest.asSlot }

  func oldest(of queue: UInt8) -> Slot? { queues[Int(queue)].oldest.asSlot }

  /// Adds an entry with a key that no entry has, as the newest of `queue`, or as its oldest.
  @discardableResult
  mutating func add(
    _ key: Key, weight: Int, payload: Payload, to queue: UInt8, asOldest: Bool = false
  ) -> Slot {
    let entry = Entry(key: key, weight: weight, payload: payload, queue: queue)
    let slot: Slot
    if free >= 0 {
      slot = free
      free = entries[Int(slot)].older
      entries[Int(slot)] = entry
    } else {
      slot = Slot(entries.count)
      entries.append(entry)
    }
    let previous = index.updateValue(slot, forKey: key)
    precondition(previous == nil, "a key was added to a policy that has it")
    link(slot, to: queue, asOldest: asOldest)
    return slot
  }

  /// Makes an entry the newest of `queue`.
  mutating func move(_ slot: Slot, to queue: UInt8) {
    if queues[Int(queue)].newest == slot { return }
    unlink(slot)
    link(slot, to: queue, asOldest: false)
  }

  mutating func drop(_ slot: Slot) {
    unlink(slot)
    index.removeValue(forKey: entries[Int(slot)].key)
    entries[Int(slot)].older = free
    free = slot
  }

  private mutating func link(_ slot: Slot, to queue: UInt8, asOldest: Bool) {
    let (i, q) = (Int(slot), Int(queue))
    let (newer, older) = asOldest ? (queues[q].oldest, -1) : (-1, queues[q].newest)
    (entries[i].newer, entries[i].older, entries[i].queue) = (newer, older, queue)
    if newer >= 0 { entries[Int(newer)].older = slot } else { queues[q].newest = slot }
    if older >= 0 { entries[Int(older)].newer = slot } else { queues[q].oldest = slot }
    queues[q].count += 1
    queues[q].bytes += entries[i].weight
    bytes += entries[i].weight
  }

  private mutating func unlink(_ slot: Slot) {
    let entry = entries[Int(slot)]
    let q = Int(entry.queue)
    if entry.newer >= 0 {
      entries[Int(entry.newer)].older = entry.older
    } else {
      queues[q].newest = entry.older
    }
    if entry.older >= 0 {
      entries[Int(entry.older)].newer = entry.newer
    } else {
      queues[q].oldest = entry.newer
    }
    queues[q].count -= 1
    queues[q].bytes -= entry.weight
    bytes -= entry.weight
  }
}

extension Int32 {
  /// Nil where it stands for none.
  fileprivate var asSlot: Int32? { self >= 0 ? self : nil }
}
