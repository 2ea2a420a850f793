internal import Cache
internal import Cascade
internal import Hardware

/// How a budget of memory is shared out: weights and work space take what they need, blocks that are kept a
/// part of the rest, and keys and values of replies in progress what is left.
struct MemoryBudget {
  private let bytes: Int?
  private let weights: Int
  /// What is free when the weights are loaded; nil: nobody knows.
  private let free: Int?

  /// - Parameters:
  ///   - bytes: the limit that was set; nil: what suits the machine.
  ///   - free: bytes of memory that were free before the weights were loaded.
  init(_ bytes: Int?, weights: Int, free: Int?) {
    self.bytes = bytes
    self.weights = weights
    self.free = free.map { max(0, $0 - weights) }
  }

  /// Keeps the store's tiers in memory within three eighths of what the weights leave.
  ///
  /// - Throws: where they leave nothing.
  func limit(_ store: inout StoreOptions) throws(EngineError) {
    guard let bytes else { return }
    let rest = bytes - weights
    guard rest >= 1 << 20 else {
      throw EngineError(
        .machine,
        "a memory budget of \(mebibytes(bytes)) is too small: the weights alone take "
          + "\(mebibytes(weights)), and keys and values come on top; give more, or take a smaller model."
      )
    }
    store.exactBytes = min(store.exactBytes, rest / 8)
    store.packedBytes = min(store.packedBytes, rest / 4)
  }

  /// Bytes for replies that are kept to be told again: a sixteenth of what the weights leave, and no more
  /// than is asked for.
  func memoBytes(_ asked: Int) -> Int {
    bytes.map { min(asked, max(0, $0 - weights) / 16) } ?? asked
  }

  /// Bytes for keys and values beside `memo` bytes of replies and `workspace` bytes to work in; nil: no
  /// limit is known.
  func keyValueBytes(_ store: StoreOptions, memo: Int, workspace: Int) -> Int? {
    guard let bytes else { return free.map { $0 / 2 } }
    return max(0, bytes - weights - workspace - store.exactBytes - store.packedBytes - memo)
  }

  /// - Throws: where the least that the engine needs is more than the limit.
  func check(_ use: MemoryUse, contextLength: Int, window: Window) throws(EngineError) {
    guard let bytes, use.most > bytes else { return }
    let reply = window == .full ? "a context of \(contextLength) tokens" : "a window"
    throw EngineError(
      .machine,
      "a memory budget of \(mebibytes(bytes)) is too small: the weights take \(mebibytes(weights)), "
        + "\(reply) \(mebibytes(use.keyValues.most)), work space \(mebibytes(use.workspace)) and caches "
        + "\(mebibytes(use.exactBlocks.most + use.packedBlocks.most + use.replies.most)); give at least "
        + "\(mebibytes(use.most)), or make room for fewer tokens of context.")
  }

  private func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
}
