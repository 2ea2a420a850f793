import Generation

/// What telling replies again was worth, as JSON and in a line.
struct MemoRecord: Encodable {
  var hits: Int
  var misses: Int
  var hitRate: Double?
  var replies: Int
  var bytes: Int
  var evictions: Int

  init(_ memo: MemoStatistics) {
    (hits, misses, hitRate) = (memo.hits, memo.misses, memo.hitRate)
    (replies, bytes, evictions) = (memo.replies, memo.bytes, memo.evictions)
  }
}

extension MemoStatistics {
  var line: String {
    "memo: \(hits) of \(hits + misses) requests told again, \(replies) replies in \(bytes.inBytes)"
  }
}
