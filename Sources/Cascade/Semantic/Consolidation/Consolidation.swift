package import Cache
package import Model

/// Which concepts a namespace should have: what its passages say more than once, and what replies keep
/// recalling.
///
/// A pure function of its input. Statements that share enough of their telling words' weight form a
/// group, in the order of time, each with the first statement of the group that it resembles most. A
/// group becomes a concept when
/// - it is said in two sessions, or in one at a distance that no window bridges; or
/// - replies have recalled a passage of it often.
///
/// The gist is the group's medoid, of equals the newest; what is only ever asked becomes none, since a
/// question would win every other question like it and answer none. Concepts whose passages are gone
/// take part as what they say.
package struct Consolidation: Sendable {
  /// A statement, and where it stands.
  package struct Source: Sendable {
    package var statement: Statement
    package var links: [Concept.Link]
    /// The session in which it ends, as a number.
    package var session: UInt64
    /// Tokens of its session before it.
    package var position: Int
    /// Seconds since 1970.
    package var time: Int64

    package init(
      statement: Statement, links: [Concept.Link], session: UInt64, position: Int, time: Int64
    ) {
      self.statement = statement
      self.links = links
      self.session = session
      self.position = position
      self.time = time
    }
  }

  /// A concept that ought to be.
  package struct Draft: Sendable, Equatable {
    package var tokens: [TokenID]
    package var links: [Concept.Link]
    package var count: DecayedCount
    /// Statements that say it.
    package var members: Int
  }

  package var rarity: TokenRarity
  package var marks: TokenMarks
  package var options: ConsolidationOptions
  /// Seconds since 1970.
  package var now: Int64
  /// What a token's keys and values take in all layers.
  package var bytesPerToken: Int
  /// The same text further apart in a session counts as said again.
  package var distance: Int

  /// What a statement has to tell, in nats, to be worth a concept.
  private static let leastWeight: Float = 8
  /// What a token has to weigh to tell anything, as in ``LexicalIndex``.
  private static let leastTokenWeight: Float = 1
  /// How much a statement's words have to tell of what those of its block's most telling statement do,
  /// where nothing but recalls of the block speaks for it.
  private static let leastPart: Float = 0.5
  /// Statements that a medoid is sought among: the newest of a group.
  private static let medoidCandidates = 32

  package init(
    rarity: TokenRarity, marks: TokenMarks, options: ConsolidationOptions, now: Int64,
    bytesPerToken: Int, distance: Int = 256
  ) {
    self.rarity = rarity
    self.marks = marks
    self.options = options
    self.now = now
    self.bytesPerToken = bytesPerToken
    self.distance = distance
  }

  /// - Parameters:
  ///   - sources: what the namespace's passages say.
  ///   - concepts: what it has.
  ///   - recalled: how often replies have recalled blocks.
  ///   - isCancelled: asked now and then; the result is of no use once it has said so.
  /// - Returns: the heaviest concepts that the budget has room for, heaviest first.
  package func drafts(
    from sources: [Source], concepts: [Concept], recalled: [BlockIdentity: DecayedCount],
    isCancelled: () -> Bool = { false }
  ) -> [Draft] {
    var sources = sources
    sources.sort { a, b in
      (a.time, a.session, a.position) != (b.time, b.session, b.position)
        ? (a.time, a.session, a.position) < (b.time, b.session, b.position)
        : a.statement.tokens.lexicographicallyPrecedes(b.statement.tokens)
    }
    let profiles = Profiles(sources.map(\.statement), rarity, least: Self.leastTokenWeight)
    var densest: [BlockIdentity: Float] = [:]
    for (source, profile) in zip(sources, profiles.list)
    where !source.statement.isQuestion && profile.weight >= Self.leastWeight {
      for link in source.links {
        densest[link.block] = max(densest[link.block] ?? 0, density(of: source, profile))
      }
    }
    var groups = Groups(similarity: options.similarity)
    for (index, profile) in profiles.list.enumerated() where profile.weight >= Self.leastWeight {
      if index % 64 == 0, isCancelled() { return [] }
      groups.add(index, profile)
    }
    var drafts: [Draft] = []
    var known: [Int: [Concept]] = [:]
    var medoids: [[TokenID]: [Int]] = [:]
    for (number, members) in groups.members.enumerated() {
      let told = members.filter { !sources[$0].statement.isQuestion }
      guard let medoid = medoid(of: told.map { (sources[$0], profiles.list[$0]) }) else { continue }
      medoids[medoid, default: []].append(number)
    }
    for concept in concepts {
      let gist = StatementCutter(marks: marks, limit: 2 * concept.tokens.count + 2)
        .statements(of: concept.tokens).first
      let profile = profiles.profile(of: gist.map { $0.tokens[$0.text] } ?? concept.tokens[...])
      // What became its gist belongs where it did, also where a later group is more like it.
      let origins = medoids[concept.tokens] ?? []
      let links = Set(concept.links)
      let origin = origins.first { Set(groups.members[$0].flatMap { sources[$0].links }) == links }
      if let group = origin ?? origins.first ?? groups.group(of: profile) {
        known[group, default: []].append(concept)
      } else {
        drafts.append(draft(of: concept, recalled))
      }
    }
    for (number, members) in groups.members.enumerated() {
      if let draft = draft(
        of: members.map { (sources[$0], profiles.list[$0]) }, known: known[number] ?? [], recalled,
        densest)
      {
        drafts.append(draft)
      }
    }
    return admitted(drafts)
  }

  // MARK: - Groups

  private func draft(
    of concept: Concept, _ recalled: [BlockIdentity: DecayedCount]
  ) -> Draft {
    Draft(
      tokens: concept.tokens, links: concept.links,
      count: weight(of: [], concepts: [concept], links: concept.links, recalled), members: 0)
  }

  private func draft(
    of members: [(source: Source, profile: Profile)], known: [Concept],
    _ recalled: [BlockIdentity: DecayedCount], _ densest: [BlockIdentity: Float]
  ) -> Draft? {
    var links: [Concept.Link] = []
    var seen: Set<BlockIdentity> = []
    for link in members.flatMap(\.source.links) + known.flatMap(\.links)
    where seen.insert(link.block).inserted {
      links.append(link)
    }
    guard
      isRepeated(members.map(\.source)) || !known.isEmpty
        || members.contains(where: { isOften($0.source, $0.profile, recalled, densest) })
    else { return nil }
    let told = members.filter { !$0.source.statement.isQuestion }
    let gist: [TokenID]
    if let medoid = medoid(of: told) {
      gist = medoid
    } else if let concept = known.first {
      gist = concept.tokens
    } else {
      return nil
    }
    links.sort { ($0.block.high, $0.block.low) < ($1.block.high, $1.block.low) }
    return Draft(
      tokens: gist, links: links,
      count: weight(of: members.map(\.source), concepts: known, links: links, recalled),
      members: members.count)
  }

  /// What a statement's words tell on the average, in nats.
  private func density(of source: Source, _ profile: Profile) -> Float {
    profile.weight / Float(source.statement.text.count)
  }

  /// Whether replies have recalled a block of the statement often, and it is not small talk beside what
  /// else the block says: which of its statements was wanted, nobody knows.
  private func isOften(
    _ source: Source, _ profile: Profile, _ recalled: [BlockIdentity: DecayedCount],
    _ densest: [BlockIdentity: Float]
  ) -> Bool {
    source.links.contains { link in
      (recalled[link.block]?.weight(at: now, options.decay) ?? 0) >= options.recalls
        && density(of: source, profile) >= Self.leastPart * (densest[link.block] ?? 0)
    }
  }

  private func isRepeated(_ members: [Source]) -> Bool {
    guard let first = members.first else { return false }
    return members.contains {
      $0.session != first.session || abs($0.position - first.position) >= distance
    }
  }

  /// The statement that the others resemble most, of equals the newest.
  private func medoid(of members: [(source: Source, profile: Profile)]) -> [TokenID]? {
    let members = members.suffix(Self.medoidCandidates)
    var best: (tokens: [TokenID], sum: Float)?
    for candidate in members {
      let sum = members.reduce(Float(0)) {
        $0 + candidate.profile.similarity(to: $1.profile)
      }
      if best == nil || sum >= best!.sum { best = (candidate.source.statement.tokens, sum) }
    }
    return best?.tokens
  }

  /// Recalls of the blocks and what says it, faded; at least what it was before, which counted passages
  /// that are gone.
  private func weight(
    of members: [Source], concepts: [Concept], links: [Concept.Link],
    _ recalled: [BlockIdentity: DecayedCount]
  ) -> DecayedCount {
    let decay = options.decay
    let blocks = Set(links.map(\.block)).union(concepts.map(\.identity))
    let recalls = blocks.sorted { ($0.high, $0.low) < ($1.high, $1.low) }
      .reduce(0.0) { $0 + (recalled[$1]?.weight(at: now, decay) ?? 0) }
    let said = members.reduce(0.0) { $0 + decay.rest(after: now - $1.time) }
    let before = concepts.map { $0.count.weight(at: now, decay) }.max() ?? 0
    return DecayedCount(weight: max(recalls + said, before), at: now)
  }

  /// The heaviest that fit: frequency-weighted admission, where what is lightest goes first.
  private func admitted(_ drafts: [Draft]) -> [Draft] {
    let sorted = drafts.sorted { a, b in
      a.count.weight != b.count.weight
        ? a.count.weight > b.count.weight : a.tokens.lexicographicallyPrecedes(b.tokens)
    }
    var room = options.budgetBytes
    var admitted: [Draft] = []
    var gists: Set<[TokenID]> = []
    for draft in sorted {
      let bytes = self.bytes(of: draft)
      guard bytes <= room else { break }
      guard gists.insert(draft.tokens).inserted else { continue }
      room -= bytes
      admitted.append(draft)
    }
    return admitted
  }

  /// What a concept counts against the budget: its keys and values as attention reads them, its tokens
  /// and its links.
  package func bytes(of draft: Draft) -> Int {
    draft.tokens.count * (bytesPerToken + 4) + draft.links.count * 24
  }
}
