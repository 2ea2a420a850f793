internal import Model

/// The telling words of a statement, and what they weigh.
struct Profile: Sendable {
  /// Sorted by token; each once.
  let words: [(token: TokenID, weight: Float)]
  let weight: Float

  /// What two share of what they weigh together (Jaccard 1912, weighted).
  func similarity(to other: Profile) -> Float {
    var (i, j) = (0, 0)
    var shared: Float = 0
    while i < words.count, j < other.words.count {
      let (a, b) = (words[i].token, other.words[j].token)
      if a == b { shared += words[i].weight }
      if a <= b { i += 1 }
      if b <= a { j += 1 }
    }
    let together = weight + other.weight - shared
    return together > 0 ? shared / together : 0
  }
}

/// What statements tell, weighed by how many of them have a word.
struct Profiles {
  private let rarity: TokenRarity
  private let least: Float
  private var holding: [TokenID: Int] = [:]
  private let count: Int
  private(set) var list: [Profile] = []

  init(_ statements: [Statement], _ rarity: TokenRarity, least: Float) {
    self.rarity = rarity
    self.least = least
    count = statements.count
    for statement in statements {
      for token in Set(statement.tokens[statement.text]) { holding[token, default: 0] += 1 }
    }
    list = statements.map { profile(of: $0.tokens[$0.text]) }
  }

  func profile(of tokens: ArraySlice<TokenID>) -> Profile {
    var words: [(token: TokenID, weight: Float)] = []
    var total: Float = 0
    for token in Set(tokens).sorted() {
      let weight = rarity.weight(of: token, holding: holding[token] ?? 0, of: count)
      guard weight >= least else { continue }
      words.append((token, weight))
      total += weight
    }
    return Profile(words: words, weight: total)
  }
}

/// Statements that say the same, found by an index of the first statement of each group.
struct Groups {
  private let similarity: Float
  private var leaders: [Profile] = []
  private(set) var members: [[Int]] = []
  private var postings: [TokenID: [Int32]] = [:]

  /// Groups that a word is looked up in at most: the first ones.
  private static let longestPosting = 1024

  init(similarity: Float) { self.similarity = similarity }

  mutating func add(_ statement: Int, _ profile: Profile) {
    if let group = group(of: profile) {
      members[group].append(statement)
      return
    }
    let number = Int32(leaders.count)
    leaders.append(profile)
    members.append([statement])
    for (token, _) in profile.words where postings[token, default: []].count < Self.longestPosting {
      postings[token, default: []].append(number)
    }
  }

  /// The group whose first statement is the most similar, if it is similar enough; of equals the
  /// first.
  func group(of profile: Profile) -> Int? {
    var shared: [Int32: Float] = [:]
    for (token, weight) in profile.words {
      for leader in postings[token] ?? [] { shared[leader, default: 0] += weight }
    }
    var best: (group: Int, similarity: Float)?
    for (leader, weight) in shared.sorted(by: { $0.key < $1.key }) {
      let together = profile.weight + leaders[Int(leader)].weight - weight
      let similarity = together > 0 ? weight / together : 0
      if similarity >= self.similarity, similarity > best?.similarity ?? -1 {
        best = (Int(leader), similarity)
      }
    }
    return best?.group
  }
}
