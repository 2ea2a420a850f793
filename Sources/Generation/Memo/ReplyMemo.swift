internal import Synchronization

/// The replies that an engine has told, to be told again when the same is asked.
///
/// What is kept: replies that came to an end of their own and would come to the same one again
/// (``RequestKey``). Replies that were cancelled, ran out of time or failed are not, nor those that went on
/// without a block that they had chosen.
/// For how long: as long as the engine lives, within a budget of bytes, and until anything is forgotten in
/// its memory: then all go, as they may say it. They are in no file: what is to be forgotten must not be
/// in one more, and a reply with ``MemoryScope/none`` is to leave nothing.
///
/// Any thread may use it; only the compute thread asks it for replies.
final class ReplyMemo: Sendable {
  private let bytes: Int
  private let cache: Mutex<MemoCache<MemoizedReply>>

  /// - Parameter bytes: what the replies may take; 0: none are kept.
  init(bytes: Int) {
    self.bytes = bytes
    cache = Mutex(MemoCache(budget: bytes))
  }

  var isOff: Bool { bytes == 0 }

  var statistics: MemoStatistics {
    cache.withLock { cache in
      MemoStatistics(
        hits: cache.hits, misses: cache.misses, replies: cache.count, bytes: cache.bytes,
        budget: cache.budget, evictions: cache.evictions)
    }
  }

  /// The reply to a request that was answered before.
  ///
  /// - Parameter isWhole: whether memory still has what the reply left in it.
  func reply(to key: RequestKey, isWhole: (MemoizedReply) -> Bool) -> MemoizedReply? {
    let found = cache.withLock { $0.peek(key) }
    let usable = found.flatMap { isWhole($0) ? $0 : nil }
    cache.withLock { $0.note(key, isHit: usable != nil) }
    return usable
  }

  /// - Parameter cost: what it took to make.
  func keep(_ reply: MemoizedReply, for key: RequestKey, cost: Duration) {
    let weight = reply.byteCount
    cache.withLock {
      $0.insert(key, reply, weight: weight, cost: cost / .milliseconds(1))
    }
  }

  func removeAll() { cache.withLock { $0.removeAll() } }

  /// - Parameter share: of the budget, 0...1, as the machine's memory allows.
  func adapt(toShare share: Double) {
    cache.withLock { $0.budget = Int(Double(bytes) * share) }
  }
}
