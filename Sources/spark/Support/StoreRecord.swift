import Generation

/// What a store holds, in JSON's words and as a page for people.
struct StoreRecord: Encodable {
  var store: String?
  var files: Files
  var budget: Int
  var budgetUsed: Double
  var memories: [Part]
  var sessions: Sessions
  var bytesPerToken: Double?
  var f16BytesPerToken: Double
  var compressionRatio: Double?
  var tiers: [Tier]
  var bytesWritten: Int
  var writeAmplification: Double?

  struct Files: Encodable {
    var total: Int
    var catalog: Int
    var catalogLog: Int
    var segments: Int
    var liveBytes: Int
    var deadBytes: Int
  }

  /// `unseen` is of other models.
  struct Part: Encodable {
    var memory: String
    var blocks: Int
    var tokens: Int
    var diskBytes: Int
  }

  struct Sessions: Encodable {
    var count: Int
    var turns: Int
    var turnBytes: Int
    var pinned: [Name]
    var running: [Name]
  }

  struct Name: Encodable {
    var namespace: String
    var name: String
    var process: Int32?
  }

  /// What this process has asked of a tier, by kind of memory.
  struct Tier: Encodable {
    var tier: String
    var bytes: Int
    var budget: Int
    var evictedFrames: Int
    var requests: [Requests]
  }

  struct Requests: Encodable {
    var memory: String
    var hits: Int
    var misses: Int
    var recentHitRate: Double?
  }

  init(_ status: StoreStatus) {
    store = status.folder
    files = Files(
      total: status.files.total, catalog: status.files.catalog,
      catalogLog: status.files.catalogLog, segments: status.files.segments,
      liveBytes: status.files.live, deadBytes: status.files.dead)
    budget = status.budget
    budgetUsed =
      status.budget > 0
      ? Double(status.files.live + status.files.dead) / Double(status.budget) : 0
    memories = [
      ("working", status.working), ("episodic", status.episodic), ("semantic", status.semantic),
      ("unseen", status.unseen),
    ].map { name, part in
      Part(memory: name, blocks: part.blocks, tokens: part.tokens, diskBytes: part.diskBytes)
    }
    sessions = Sessions(
      count: status.sessions.count, turns: status.sessions.turns,
      turnBytes: status.sessions.turnBytes,
      pinned: status.sessions.pinned.map { Name(namespace: $0.namespace, name: $0.name) },
      running: status.sessions.running.map {
        Name(namespace: $0.session.namespace, name: $0.session.name, process: $0.process)
      })
    bytesPerToken =
      status.compression.tokens > 0 ? status.compression.diskBytesPerToken : nil
    f16BytesPerToken = status.compression.exactBytesPerToken
    compressionRatio = status.compression.ratio
    tiers = Self.tiers(status.activity)
    bytesWritten = status.activity.bytesWritten
    writeAmplification = status.activity.writeAmplification
  }

  /// The tiers that were asked for anything.
  static func tiers(_ activity: StoreStatus.Activity) -> [Tier] {
    [("memory", activity.memory), ("compressed", activity.compressed), ("disk", activity.disk)]
      .compactMap { name, tier in
        let requests = [
          ("all", tier.all), ("working", tier.working), ("episodic", tier.episodic),
          ("semantic", tier.semantic),
        ].filter { $0.1.hits + $0.1.misses > 0 }
        guard !requests.isEmpty else { return nil }
        return Tier(
          tier: name, bytes: tier.bytes, budget: tier.budget, evictedFrames: tier.evictedFrames,
          requests: requests.map {
            Requests(
              memory: $0.0, hits: $0.1.hits, misses: $0.1.misses, recentHitRate: $0.1.hitRate)
          })
      }
  }

  // MARK: - The page

  var page: String {
    var lines = [("store", store.map { visible(Array($0.utf8)) } ?? "in memory only")]
    lines.append(("on disk", files.total.inBytes))
    lines.append(
      (
        "  segments",
        "\(files.liveBytes.inBytes) live, \(files.deadBytes.inBytes) dead, in \(files.segments)"
      ))
    lines.append(
      (
        "  catalog",
        "\(files.catalog.inBytes), its log \(files.catalogLog.inBytes), what was said "
          + sessions.turnBytes.inBytes
      ))
    lines.append(("budget", "\(budget.inBytes) for segments, \((budgetUsed * 100).inTenths)% used"))
    var sessionText = "\(sessions.count), \(sessions.turns.inTurns)"
    for (word, names) in [("pinned", sessions.pinned), ("running", sessions.running)]
    where !names.isEmpty {
      let list = names.map { name in
        visible(Array(name.name.utf8)) + (name.process.map { " (process \($0))" } ?? "")
      }
      sessionText += "; \(word): \(list.joined(separator: ", "))"
    }
    lines.append(("sessions", sessionText))
    if let bytesPerToken, let compressionRatio {
      lines.append(
        (
          "compression",
          "\(bytesPerToken.inTenths) bytes a token, \(f16BytesPerToken.inTenths) in f16: a factor of "
            + compressionRatio.inTenths
        ))
    }
    if let writeAmplification {
      lines.append(
        (
          "written",
          "\(bytesWritten.inBytes) by this process, \(writeAmplification.inTenths) times what was new"
        ))
    }
    let width = lines.map(\.0.count).max() ?? 0
    let page = lines.map { $0.0 + String(repeating: " ", count: width + 2 - $0.0.count) + $0.1 }
      .joined(separator: "\n")
    var tables = [page, memoryTable]
    if !tiers.isEmpty { tables.append(Self.table(of: tiers)) }
    return tables.joined(separator: "\n\n") + "\n"
  }

  private var memoryTable: String {
    TextTable.text(
      [["memory", "blocks", "tokens", "on disk"]]
        + memories.map {
          [
            $0.memory == "unseen" ? "other models or shapes" : $0.memory, "\($0.blocks)",
            "\($0.tokens)",
            $0.diskBytes.inBytes,
          ]
        })
  }

  /// How often each tier had what it was asked for.
  static func table(of tiers: [Tier]) -> String {
    TextTable.text(
      [["tier", "memory", "hits", "misses", "of late"]]
        + tiers.flatMap { tier in
          tier.requests.map { requests in
            [
              tier.tier, requests.memory, "\(requests.hits)", "\(requests.misses)",
              requests.recentHitRate.map { "\(($0 * 100).inTenths)%" } ?? "",
            ]
          }
        })
  }
}
