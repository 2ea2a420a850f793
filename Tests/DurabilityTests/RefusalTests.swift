import Cache
import Foundation
import GRDB
import TestSupport
import Testing

extension Durability {
  /// A store in which the first questions were answered, and what was said.
  private func withStore(_ body: (TalkedStore, [String], URL) throws -> Void) throws {
    try withTemporaryDirectory { directory in
      let store = TalkedStore(folder: directory.appending(path: "store").path)
      #expect(try store.say(Array(TalkedStore.questions.prefix(6))).status == 0)
      try body(store, TalkedStore.turns(store.show()), directory)
    }
  }

  @Test("On a full disk a reply is kept or it is told why not, and what was there stays")
  func fullDisk() throws {
    var tally = Tally("a full disk")
    defer { tally.tell() }
    try withStore { whole, turns, directory in
      let sizes = try whole.files().map { try Data(contentsOf: $0).count }
      for run in 0..<DurabilityPlan.runs {
        tally.begin()
        var random = DurabilityPlan.randomness("full", run: run)
        let place = directory.appending(path: "run")
        defer { try? FileManager.default.removeItem(at: place) }
        let store = try whole.copy(to: place)
        // No file may grow beyond so many bytes: more and more often less than they need.
        let limit = Int.random(in: 0...(2 * sizes.max()!), using: &random)
        let process = try SparkProcess(
          ["-c", "trap '' XFSZ; ulimit -f \(limit / 1024); exec \"$@\"", "sh"]
            + [SparkCommand.executable.path] + store.chat(),
          executable: URL(filePath: "/bin/bash"))
        let asked = ["Who has eaten the apples?", "And who the pears?"]
        for question in asked { process.say(question) }
        let said = process.end()
        if said.hasCrashed { tally.note(.crash, run: run, "\(limit): \(said.status)") }
        if said.hasNotice { tally.noteNotice() }
        let shown = try store.show()
        let kept = shown.status == 0 ? try TalkedStore.turns(shown) : []
        guard kept.starts(with: turns) else {
          tally.note(.loss, run: run, "\(limit): \(kept), \(shown.errors)")
          continue
        }
        let replies = stride(from: turns.count + 1, to: kept.count, by: 2).map { kept[$0] }
        let acknowledged = said.text.count { $0 == "\n" }
        if replies.count < acknowledged {
          tally.note(.loss, run: run, "\(limit): \(said.text) is not in \(replies)")
        }
        if replies.count < asked.count, said.status == 0 || !said.hasNotice {
          tally.note(.silence, run: run, "\(limit): \(replies) kept, \(said.status) \(said.errors)")
        }
        // Once there is room it goes on.
        let later = try store.say(["What is left?"])
        if later.status != 0 { tally.note(.loss, run: run, "\(limit): \(later.errors)") }
      }
    }
  }

  @Test("A folder that may not be written is named, and what is in it is not touched")
  func readOnly() throws {
    var tally = Tally("a read-only folder")
    defer { tally.tell() }
    try withStore { store, turns, _ in
      tally.begin()
      let before = try store.files().map { try Data(contentsOf: $0) }
      // The administrator may write everywhere; anyone else may not.
      let isRoot = geteuid() == 0
      for file in try [URL(filePath: store.folder)] + store.files() where !isRoot {
        chmod(file.path, file.hasDirectoryPath ? 0o500 : 0o400)
      }
      defer { chmod(store.folder, 0o700) }
      let somebody = ["--reuid=65534", "--regid=65534", "--clear-groups"]
      let process =
        isRoot
        ? try SparkProcess(
          somebody + [SparkCommand.executable.path] + store.chat(),
          executable: URL(filePath: "/usr/bin/setpriv"))
        : try SparkProcess(store.chat())
      process.say("Who has eaten the apples?")
      let said = process.end()
      if said.hasCrashed { tally.note(.crash, run: 0, said.errors) }
      if said.hasNotice { tally.noteNotice() }
      if said.status == 0 || !said.hasNotice {
        tally.note(.silence, run: 0, "\(said.status): \(said.errors)")
      }
      #expect(try store.files().map { try Data(contentsOf: $0) } == before)
      chmod(store.folder, 0o700)
      for file in try store.files() where !isRoot { chmod(file.path, 0o600) }
      if try TalkedStore.turns(store.show()) != turns { tally.note(.loss, run: 0, "turns") }
    }
  }

  @Test("Another model is refused by name, and the session goes on with its own")
  func otherModel() throws {
    var tally = Tally("another model")
    defer { tally.tell() }
    try withStore { store, turns, directory in
      tally.begin()
      // The same file but for one weight.
      var bytes = try Data(contentsOf: URL(filePath: SparkCommand.model))
      bytes[bytes.count - 1000] ^= 1
      let other = directory.appending(path: "other.gguf")
      try bytes.write(to: other)
      let said = try store.say(["Who has eaten the apples?"], ["--model", other.path])
      if said.hasCrashed { tally.note(.crash, run: 0, said.errors) }
      if said.hasNotice { tally.noteNotice() }
      if said.status == 0 || !said.errors.contains("held with the model") {
        tally.note(.silence, run: 0, "\(said.status): \(said.errors)")
      }
      if try TalkedStore.turns(store.show()) != turns { tally.note(.loss, run: 0, "turns") }
      let own = try store.say(["Who has eaten the apples?"])
      #expect(own.status == 0 && own.warnings.isEmpty, "\(own.errors)")
    }
  }

  @Test("What a later version wrote is named and left alone")
  func laterVersion() throws {
    var tally = Tally("a later version")
    defer { tally.tell() }
    try withStore { store, turns, directory in
      tally.begin()
      let catalog = try store.copy(to: directory.appending(path: "catalog"))
      let path = catalog.folder + "/catalog.sqlite"
      do {
        let database = try DatabaseQueue(path: path)
        try database.write {
          try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('a later step')")
        }
        try database.close()
      }
      for result in try [catalog.say(["Hello?"]), catalog.show()] {
        if result.hasCrashed { tally.note(.crash, run: 0, result.errors) }
        if result.status == 0 || !result.errors.contains("later version") {
          tally.note(.silence, run: 0, "\(result.status): \(result.errors)")
        }
      }
      tally.noteNotice()

      // The text is in the catalog; what was read of it is read again, and that is told.
      tally.begin()
      for file in try store.files() where file.pathExtension == "seg" {
        var header = try Data(contentsOf: file)
        for copy in [0, 64] {
          header[copy + 8] = 2
          let sum = Checksum.xxh64([UInt8](header[copy..<copy + 56]))
          for byte in 0..<8 {
            header[copy + 56 + byte] = UInt8(truncatingIfNeeded: sum >> (8 * byte))
          }
        }
        try header.write(to: file)
      }
      let segments = try store.files().filter { $0.pathExtension == "seg" }
      let before = try segments.map { try Data(contentsOf: $0) }
      let said = try store.say(["Who has eaten the apples?"])
      if said.hasCrashed { tally.note(.crash, run: 1, said.errors) }
      if said.hasNotice { tally.noteNotice() } else { tally.note(.silence, run: 1, said.errors) }
      let kept = try TalkedStore.turns(store.show())
      if !kept.starts(with: turns) || kept.count != turns.count + 2 {
        tally.note(.loss, run: 1, "\(kept)")
      }
      #expect(try segments.map { try Data(contentsOf: $0) } == before)
    }
  }

  @Test("A second writer is told of the first, and gets in when that one is killed")
  func twoWriters() throws {
    var tally = Tally("two writers")
    defer { tally.tell() }
    try withStore { store, turns, _ in
      for run in 0..<max(1, DurabilityPlan.runs / 10) {
        tally.begin()
        let first = try SparkProcess(store.chat())
        first.say("Who is first?")
        #expect(first.read(lines: 1, for: 60))
        let second = try store.say(["Who is second?"])
        if second.hasNotice { tally.noteNotice() }
        if second.hasCrashed { tally.note(.crash, run: run, second.errors) }
        if second.status != 1
          || !second.errors.contains("in use by process \(first.identifier)")
        {
          tally.note(.silence, run: run, "\(second.status): \(second.errors)")
        }
        _ = first.kill()
        let third = try store.say(["Who is third?"])
        if third.status != 0 || !third.warnings.isEmpty {
          tally.note(.loss, run: run, "\(third.status): \(third.errors)")
        }
        let kept = try TalkedStore.turns(store.show())
        let questions = stride(from: 0, to: kept.count, by: 2).map { kept[$0] }
        if !kept.starts(with: turns)
          || !questions.suffix(2).elementsEqual(["Who is first?", "Who is third?"])
        {
          tally.note(.loss, run: run, "\(kept)")
        }
      }
    }
  }
}
