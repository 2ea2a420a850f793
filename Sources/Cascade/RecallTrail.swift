internal import Cache

/// Keeps count of what a sequence recalls, for those who ask why.
struct RecallTrail {
  struct Key: Hashable {
    var block: Int32
    var isPast: Bool
  }

  struct Tally {
    var choices = 0
    var weight: Float?
    var tier = Tier.exact
  }

  private(set) var tallies: [Key: Tally] = [:]

  mutating func note(_ pick: Pick) {
    tallies[Key(block: pick.block, isPast: pick.isPast), default: Tally()].choices += 1
  }

  mutating func note(_ target: Route.Target) {
    let key = Key(block: target.block, isPast: target.isPast)
    guard target.score > 0 else { return }
    let known = tallies[key, default: Tally()].weight ?? 0
    tallies[key, default: Tally()].weight = max(known, target.score)
  }

  mutating func note(_ pick: Pick, in tier: Tier) {
    let key = Key(block: pick.block, isPast: pick.isPast)
    tallies[key, default: Tally()].tier = max(tallies[key]?.tier ?? .exact, tier)
  }
}
