package import Cache
internal import Glibc
package import Model

/// What the passages of one namespace have gone on with: semantic memory's drafts.
///
/// Counted are the tokens that follow each run of two to four tokens. A count halves with time, by when
/// its passage was read: the weight of a sight doubles with each half-life instead, so that nothing
/// already counted need be touched and passages may come in any order (G. Cormode et al., "Forward
/// decay", ICDE 2009).
///
/// It is derived from the passages and kept nowhere: ``EpisodeStore`` builds it, tells it of every block
/// that ends, and empties it when something is forgotten. Looking up allocates nothing.
package final class Continuations {
  /// Bytes that a namespace's table may take.
  package static let defaultBudget = 8 << 20
  /// Seconds in which a count halves.
  package static let defaultHalfLife = 30.0 * 86_400

  /// Tokens in the shortest context.
  package static let shortest = 2
  /// Below this chance of all of it being right a draft ends (`min_token_prob` of SuffixDecoding:
  /// G. Oliaro et al., 2024, arXiv:2411.04975).
  private static let leastChance: Float = 0.1
  /// Tokens of a draft for each token of the context that it begins with.
  private static let lengthPerMatch = 2
  /// Sights, as fresh as the newest passage, that count against each context: a single old one is no
  /// reason to be sure.
  private static let doubt: Float = 0.25

  package private(set) var table: ContinuationTable
  private let budget: Int
  private let halfLife: Double
  /// The last tokens of each passage that is in, which its child goes on from.
  private var ends: [BlockIdentity: TokenSuffix] = [:]
  /// The time at which a sight weighs 1, and the newest passage's; nil before the first.
  private var landmark: Int64?
  private var newest: Int64 = .min

  package init(budget: Int = defaultBudget, halfLife: Double = defaultHalfLife) {
    self.budget = budget
    self.halfLife = halfLife
    table = ContinuationTable(budget: budget)
  }

  /// Passages that are in.
  package var count: Int { ends.count }

  // MARK: - Counting

  /// Counts a passage's continuations, once.
  ///
  /// - Parameters:
  ///   - parent: the passage that it goes on from.
  ///   - time: seconds since 1970 at which it was read.
  package func add(
    _ identity: BlockIdentity, parent: BlockIdentity?, time: Int64, tokens: [TokenID]
  ) {
    guard ends[identity] == nil else { return }
    newest = max(newest, time)
    let weight = weight(at: time)
    var suffix = parent.flatMap { ends[$0] } ?? TokenSuffix()
    for token in tokens {
      if weight > 0, suffix.count >= Self.shortest {
        for length in Self.shortest...suffix.count {
          table.add(token, after: suffix.digest(of: length), weight: weight)
        }
      }
      suffix.append(token)
    }
    ends[identity] = suffix
  }

  /// Forgets everything, also for those who still draft from it.
  package func removeAll() {
    table = ContinuationTable(budget: budget)
    ends = [:]
    landmark = nil
    newest = .min
  }

  /// How much a sight counts, in sights at the landmark.
  private func weight(at time: Int64) -> Float {
    guard let landmark else {
      self.landmark = time
      return 1
    }
    let halvings = Double(time - landmark) / halfLife
    if halvings > 30 {
      // Far from what a `Float` holds: the landmark moves up.
      table.scale(by: exp2f(Float(-halvings)))
      self.landmark = time
      return 1
    }
    let weight = exp2f(Float(max(halvings, -150)))
    return weight < ContinuationTable.least ? 0 : weight
  }

  // MARK: - Drafting

  /// Appends what is likely to follow a text.
  ///
  /// - Parameters:
  ///   - suffix: the text's last tokens.
  ///   - least: the fewest tokens that the first context must have.
  ///   - most: the most to append.
  /// - Returns: tokens of the first context; 0 when nothing was appended.
  package func draft(
    after suffix: TokenSuffix, least: Int, most: Int, into tokens: inout [TokenID]
  ) -> Int {
    guard landmark != nil else { return 0 }
    let doubt = Self.doubt * exp2f(Float(Double(newest - landmark!) / halfLife))
    var (suffix, chance, match, room): (TokenSuffix, Float, Int, Int) = (suffix, 1, 0, most)
    while room > 0 {
      let fewest = match == 0 ? max(least, Self.shortest) : Self.shortest
      guard let next = next(after: suffix, least: fewest, doubt: doubt) else { break }
      chance *= next.chance
      guard chance >= Self.leastChance else { break }
      if match == 0 {
        match = next.match
        room = min(room, Self.lengthPerMatch * match)
      }
      tokens.append(next.token)
      suffix.append(next.token)
      room -= 1
    }
    return match
  }

  /// What has followed the longest known context.
  private func next(
    after suffix: TokenSuffix, least: Int, doubt: Float
  ) -> (token: TokenID, chance: Float, match: Int)? {
    for length in stride(from: suffix.count, through: least, by: -1) {
      guard let found = table.likeliest(after: suffix.digest(of: length)) else { continue }
      return (found.token, found.count / (found.total + doubt), length)
    }
    return nil
  }
}
