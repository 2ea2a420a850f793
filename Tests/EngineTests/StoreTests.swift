import Cache
import Cascade
import Foundation
import Generation
import Glibc
import Testing

/// A store's upkeep, on the embedded model.
@Suite struct StoreTests {
  private static func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-upkeep-\(UInt64.random(in: .min ... .max))").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private static func engine(_ folder: String, budget: Int? = nil) throws -> Engine {
    try EmbeddedModel.engine(
      EngineOptions(
        window: .sliding(tokens: 128), store: folder, storeBytes: budget,
        consolidation: ConsolidationOptions(isAutomatic: false)))
  }

  private static let questions = [
    "Once there was a fox who lived in the forest near a river. What did the fox eat?",
    "And where did the little fox sleep when the snow fell on the forest?",
    "Tell me about the friend of the fox, the old owl in the oak tree.",
  ]

  @discardableResult
  private static func talk(_ engine: Engine, _ name: String) async throws -> GenerationSummary? {
    let chat = try await engine.conversation(named: name)
    var summary: GenerationSummary?
    for question in questions {
      let reply = try chat.reply(
        to: question,
        options: GenerationOptions(
          maxTokens: 40, sampling: .greedy, ignoresEndTokens: true, seed: 0))
      summary = try await WholeReply(reply).summary
    }
    return summary
  }

  /// Calls `body` with a copy of a store that no engine has ever opened: one that is let go of closes its
  /// catalog when it comes to it, and writes to it once more.
  private static func withCopy(
    of folder: String, _ body: (String) async throws -> Void
  ) async throws {
    #expect(try Catalog(directory: folder).purge())
    try await withFolder { copy in
      try FileManager.default.copyItem(atPath: folder, toPath: copy)
      for ending in ["-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: copy + "/catalog.sqlite" + ending)
      }
      try await body(copy)
    }
  }

  private static func files(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder)
  }

  /// Changes bytes of a file.
  private static func change(_ path: String, _ body: (inout Data) -> Void) throws {
    var bytes = try Data(contentsOf: URL(filePath: path))
    body(&bytes)
    try bytes.write(to: URL(filePath: path))
  }

  private static func segments(_ folder: String) throws -> [String] {
    try files(folder + "/segments").filter { $0.hasSuffix(".seg") }.sorted()
      .map { "\(folder)/segments/\($0)" }
  }

  private static func expectRefusal(
    _ words: [String], _ body: () async throws -> Void
  ) async {
    do {
      try await body()
      Issue.record("nothing was refused: \(words)")
    } catch let error as EngineError {
      #expect(error.code == .session, "\(error)")
      for word in words { #expect(error.message.contains(word), "\(error)") }
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test("a store's status tells its files, blocks, sessions and what this process has asked of it")
  func status() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder, budget: 64 << 20)
      try await Self.talk(engine, "fox")
      try await engine.sessions.pin("fox", in: "default")
      let chat = try await engine.conversation(named: "owl")
      let status = try await engine.store.status()
      #expect(status.folder == folder && status.budget == 64 << 20)
      #expect(status.files.live > 0 && status.files.catalog > 0)
      let onDisk = try Self.segments(folder).reduce(0) {
        $0 + (try FileManager.default.attributesOfItem(atPath: $1)[.size] as? Int ?? 0)
      }
      #expect(status.files.live + status.files.dead == onDisk)
      #expect(status.episodic.blocks > 3 && status.episodic.tokens > 192)
      #expect(status.episodic.diskBytes > 0 && status.working.blocks == 0)
      #expect(status.sessions.count == 2 && status.sessions.turns == 6)
      #expect(status.sessions.pinned.map(\.name) == ["fox"])
      #expect(status.sessions.running.map(\.session.name) == ["owl"])
      #expect(status.sessions.running.first?.process == getpid())
      let ratio = try #require(status.compression.ratio)
      #expect(ratio > 1 && status.compression.exactBytesPerToken == 5120)
      #expect(status.activity.bytesWritten > 0)
      #expect(try #require(status.activity.writeAmplification) >= 1)
      let memory = status.activity.memory
      #expect(memory.all.hits > 0 && memory.episodic.hits <= memory.all.hits)
      #expect(try #require(memory.all.hitRate) > 0)
      withExtendedLifetime(chat) {}
      // Another shape of the same model's blocks is kept, and not seen.
      let other = try EmbeddedModel.engine(EngineOptions(blockLength: 32, store: folder))
      let unseen = try await other.store.status()
      #expect(unseen.unseen.blocks == status.episodic.blocks && unseen.episodic.blocks == 0)
      #expect(unseen.unseen.tokens == status.episodic.tokens)
    }
  }

  @Test(
    "a check finds a changed byte, says what session lacks it, and mends it; the session goes on")
  func checking() async throws {
    try await Self.withFolder { folder in
      try await Self.talk(Self.engine(folder), "fox")
      let clean = try await Self.engine(folder).store.check()
      #expect(clean.findings == [] && clean.records > 3 && clean.sessions == 1)
      let catalog = try Catalog(directory: folder)
      let fox = try #require(try catalog.session(named: "fox", in: "default"))
      let block = try #require(try catalog.sequence(of: fox.id)).sequence.blocks[1]
      // The first place that names it is its own record's header; its frames follow.
      let name = withUnsafeBytes(of: block.low.littleEndian) { Data($0) }
      for segment in try Self.segments(folder) {
        try Self.change(segment) { bytes in
          if let header = bytes.range(of: name) { bytes[header.upperBound + 20_000] ^= 8 }
        }
      }
      // As another model would see it.
      let other = try EmbeddedModel.engine(EngineOptions(blockLength: 32, store: folder))
      #expect(try await other.store.check().damageLeft == 1)
      let found = try await Self.engine(folder).store.check()
      #expect(found.damageLeft == 1 && found.repairs == [])
      #expect(found.findings.map(\.kind) == [.record, .session])
      #expect(found.findings[0].message.contains("session fox"))
      #expect(found.tokensToRead >= 64)
      let mended = try await Self.engine(folder).store.check(repairing: true)
      #expect(mended.isClean && mended.findings.allSatisfy(\.isRepaired))
      #expect(mended.repairs.count == 2, "\(mended.repairs)")
      let after = try await Self.engine(folder).store.check()
      #expect(after.findings == [] && after.records == clean.records - 1)
      try await Self.talk(Self.engine(folder), "fox")
      #expect(try await Self.engine(folder).store.check().findings == [])
    }
  }

  @Test("a catalog that cannot be read is kept aside, and what can be read of it goes on")
  func rescue() async throws {
    try await Self.withFolder { folder in
      do {
        let engine = try Self.engine(folder)
        try await Self.talk(engine, "fox")
        try await Self.talk(engine, "owl")
        try await engine.sessions.pin("owl", in: "default")
      }
      #expect(try Catalog(directory: folder).purge())
      let pages = try Data(contentsOf: URL(filePath: folder + "/catalog.sqlite")).count / 4096
      #expect(pages > 10)
      for page in 0..<pages {
        try await Self.rescue(folder, page: page)
      }
    }
  }

  private static func rescue(_ folder: String, page: Int) async throws {
    try await Self.withCopy(of: folder) { folder in
      let catalog = folder + "/catalog.sqlite"
      try Self.change(catalog) { bytes in
        for offset in 0..<4096 { bytes[page * 4096 + offset] = UInt8(offset % 251) }
      }
      let damaged = try Data(contentsOf: URL(filePath: catalog))
      let check = try await Self.engine(folder).store.check(repairing: true)
      #expect(check.isClean, "page \(page): \(check.findings)")
      let aside = try Self.files(folder).filter { $0.contains("sqlite.damaged-") }
      for name in aside {
        let kept = "\(folder)/\(name)"
        if !name.hasSuffix("-wal"), !name.hasSuffix("-shm") {
          // What was damaged is as it was.
          let bytes = try Data(contentsOf: URL(filePath: kept))
          let range = page * 4096 + 100..<(page + 1) * 4096
          #expect(bytes[range] == damaged[range], "page \(page)")
        }
        try FileManager.default.removeItem(atPath: kept)
      }
      let after = try await Self.engine(folder).store.check()
      #expect(after.isClean && after.records == check.records, "page \(page)")
      let engine = try Self.engine(folder)
      let sessions = try await engine.sessions.list()
      if page > 0, sessions.count == 2 {
        #expect(sessions.first { $0.name == "owl" }?.isPinned == true)
        for session in sessions where session.turns == 6 {
          let messages = try await engine.sessions.messages(of: session.name, in: "default")
          #expect(messages.first?.content == Self.questions[0])
        }
      }
    }
  }

  @Test("a catalog is not begun anew while a session is in use")
  func rescueAlone() async throws {
    try await Self.withFolder { folder in
      try await Self.talk(Self.engine(folder), "fox")
      try await Self.withCopy(of: folder) { folder in
        let other = try Self.engine(folder)
        try Self.change(folder + "/catalog.sqlite") {
          $0.replaceSubrange(0..<64, with: Data(count: 64))
        }
        let engine = try Self.engine(folder)
        let check = try await engine.store.check(repairing: true)
        #expect(!check.isClean && check.repairs == [])
        #expect(try Self.files(folder).filter { $0.contains("damaged") } == [])
        withExtendedLifetime(other) {}
      }
    }
  }

  @Test("a cancelled check ends with what it has, and mends nothing")
  func cancelling() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      try await Self.talk(engine, "fox")
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await engine.store.check(repairing: true)
      }
      let check = try await task.value
      #expect(check.isCancelled && check.records == 0 && check.repairs == [])
    }
  }

  @Test("compacting gives back what was let go of, and names what another holds")
  func compacting() async throws {
    try await Self.withFolder { folder in
      do {
        let engine = try Self.engine(folder)
        try await Self.talk(engine, "fox")
        _ = try await engine.remember(
          String(repeating: Self.questions.joined(separator: " "), count: 8), as: "text")
        // Another store that has the segment it writes to: forgetting cannot compact it.
        let other = try Self.engine(folder)
        let forgotten = try await other.memory.forget(.session("text"), in: "default")
        #expect(forgotten.filesLeft == 1)
        let held = try await other.store.compact()
        #expect(held.compacted == 0 && held.held.count == 1 && held.after.dead > 0)
        withExtendedLifetime(engine) {}
      }
      let engine = try Self.engine(folder)
      let records = try await engine.store.check().records
      let result = try await engine.store.compact()
      #expect(result.compacted >= 1 && result.held == [] && result.after.dead == 0)
      #expect(result.after.total < result.before.total)
      #expect(result.after.catalogLog == 0)
      #expect(try await engine.store.check().records == records)
      // To a budget.
      let smaller = try Self.engine(folder, budget: 1 << 20)
      #expect(try await smaller.store.compact().after.live <= 1 << 20)
      #expect(try await smaller.sessions.messages(of: "fox", in: "default").count == 6)
    }
  }

  @Test(
    "a pinned session stays whole in a store at its budget, a chat that finds no room says so and goes on"
  )
  func budget() async throws {
    try await Self.withFolder { folder in
      let budget = 6 << 20
      do {
        let engine = try Self.engine(folder, budget: budget)
        try await Self.talk(engine, "fox")
        try await engine.sessions.pin("fox", in: "default")
        let text = (0..<400).map { "The fox number \($0) met the owl. " }.joined()
        let read = try await engine.remember(text, as: "text")
        #expect(read.letGo > 0 && read.remembered + read.letGo == read.tokens)
      }
      let engine = try Self.engine(folder, budget: budget)
      let status = try await engine.store.status()
      #expect(status.files.live + status.files.dead <= budget)
      #expect(try await engine.store.check().findings == [])
      // The smallest budget: fox fills it.
      let tight = try Self.engine(folder, budget: 1 << 20)
      let summary = try #require(try await Self.talk(tight, "owl"))
      #expect(summary.memory.dropped > 0)
      #expect(try #require(summary.memory.reasonForDropping).contains("unpin or delete sessions"))
      #expect(try await tight.sessions.messages(of: "owl", in: "default").count == 6)
      let catalog = try Catalog(directory: folder)
      let fox = try #require(try catalog.session(named: "fox", in: "default"))
      let chain = try #require(try catalog.sequence(of: fox.id)).sequence.blocks
      let kept = try await Self.engine(folder).memory.holdings()
      #expect(kept.namespaces.first { $0.name == "default" }!.passages >= chain.count)
      #expect(
        try await !Self.engine(folder).store.check().findings.contains {
          $0.message.contains("session fox")
        })
    }
  }

  @Test("forgetting spares sessions that run elsewhere, and pinned ones unless told otherwise")
  func forgetting() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      try await Self.talk(engine, "fox")
      try await Self.talk(engine, "owl")
      let fox = try #require(
        try Catalog(directory: folder).session(named: "fox", in: "default"))
      let selections: [MemorySelection] = [
        .session("fox"), .everything, .containing("lived in the forest near a river"),
      ]
      // Held by a process that is not this one, as its lock tells.
      var lock: SessionLock? = try SessionLock(directory: folder, session: fox.id)
      Data("1\n".utf8).withUnsafeBytes { bytes in
        let file = open(SessionLock.path(folder, fox.id), O_WRONLY | O_TRUNC)
        defer { close(file) }
        #expect(write(file, bytes.baseAddress, bytes.count) == bytes.count)
      }
      for selection in selections {
        await Self.expectRefusal(["session fox is in use by process 1"]) {
          _ = try await engine.memory.forget(selection, in: "default", evenPinned: true)
        }
        await Self.expectRefusal(["session fox is in use by process 1"]) {
          _ = try await engine.memory.count(selection, in: "default")
        }
      }
      #expect(try await engine.sessions.messages(of: "fox", in: "default").count == 6)
      #expect(lock != nil)
      lock = nil
      try await engine.sessions.pin("fox", in: "default")
      for selection in selections {
        await Self.expectRefusal(["session fox is pinned", "--include-pinned"]) {
          _ = try await engine.memory.forget(selection, in: "default")
        }
      }
      // What nobody minds goes: another session, and a conversation's own words.
      #expect(try await engine.memory.count(.session("owl"), in: "default") > 0)
      do {
        let chat = try await engine.conversation(named: "fox")
        await Self.expectRefusal(["session fox is pinned"]) {
          _ = try await engine.memory.forget(.containing("the little fox sleep"), in: "default")
        }
        let own = try await engine.memory.forget(
          .containing("the little fox sleep"), in: "default", askedIn: chat)
        // Owl has said it as well.
        #expect(own.turns == 4 && own.passages > 0)
      }
      let all = try await engine.memory.forget(.everything, in: "default", evenPinned: true)
      #expect(all.passages > 0)
      #expect(try await engine.sessions.list().isEmpty)
    }
  }
}
