/// What blocks from before the window can be put in an order by.
package enum BlockScorer: String, Sendable, CaseIterable {
  /// The mean of a block's keys.
  case mean
  /// Its keys farthest from each other: the product's.
  case representatives
  /// The keys that the tokens after them attended to most (InfLLM, Xiao et al. 2024, arXiv:2402.04617):
  /// the best of them counts.
  case received
  /// The mean of these.
  case receivedMean = "received, mean"
  /// The least and the greatest of each channel (Quest, Tang et al. 2024, arXiv:2406.10774).
  case bounds
  /// Every key: what those above approximate.
  case exact
  /// Three of these, where each head of each query divides one vote among the blocks by softmax, instead
  /// of adding up scores, in which heads with long queries drown the others.
  case representativesByHead = "representatives, by head"
  case boundsByHead = "bounds, by head"
  case exactByHead = "exact, by head"
  /// The words that a block shares with the question, the newest of equals first.
  case words
  /// Chance: the floor.
  case random
  /// The share of the layer's attention that a block gets: the most that any order can cover.
  case attention

  /// The one whose vectors it takes head by head; nil for all others.
  var byHead: BlockScorer? {
    switch self {
    case .representativesByHead: .representatives
    case .boundsByHead: .bounds
    case .exactByHead: .exact
    default: nil
    }
  }
}

/// Blocks in an order, best first.
package struct BlockOrder: Sendable, Equatable {
  package var blocks: [Int]

  package init(blocks: [Int]) { self.blocks = blocks }

  /// By score, descending; of equals the newer one first, or the older.
  package init(scores: [Float], newerFirst: Bool = false) {
    blocks = scores.indices.sorted { a, b in
      if scores[a] != scores[b] { return scores[a] > scores[b] }
      return newerFirst ? a > b : a < b
    }
  }

  /// The place of the best of `wanted`, 1 for the first of all; nil when none of them is here.
  package func rank(ofBestOf wanted: Set<Int>) -> Int? {
    blocks.firstIndex { wanted.contains($0) }.map { $0 + 1 }
  }

  /// How much of `shares`, each a list of numbers by block that add up to 1, the first `count` blocks
  /// hold on average.
  package func coverage(of shares: [[Float]], first count: Int) -> Double {
    guard !shares.isEmpty else { return 0 }
    let sum = shares.reduce(0.0) { sum, share in
      sum + blocks.prefix(count).reduce(0.0) { $0 + Double(share[$1]) }
    }
    return sum / Double(shares.count)
  }
}
