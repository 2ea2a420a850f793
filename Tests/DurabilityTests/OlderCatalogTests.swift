import Cache
import Cascade
import Foundation
import GRDB
import TestSupport
import Testing

extension Durability {
  @Test("A catalog from before there were seals is sealed when it is opened")
  func olderCatalog() throws {
    try withTemporaryDirectory { directory in
      let folder = directory.path
      let catalog = try Catalog(directory: folder)
      let new = NewSession(
        namespace: "mine", name: "garden", model: BlockIdentity(high: 3, low: 4),
        modelName: "a model", template: "chatml", created: 10)
      let session = try #require(try catalog.begin(new)).id
      for number in 0..<3 {
        #expect(
          try catalog.append(
            question: "Question \(number)?", reply: "Reply \(number).", to: session, at: 20))
      }
      let said = try catalog.turns(of: session)
      func change(_ sql: String) throws {
        let database = try DatabaseQueue(path: "\(folder)/\(Catalog.fileName)")
        try database.writeWithoutTransaction { db in
          try db.execute(sql: sql)
          _ = try db.checkpoint(.truncate)
        }
        try database.close()
      }
      try change(
        """
        DROP TRIGGER turn_said; DROP TRIGGER turn_changed; DROP TRIGGER turn_taken_back;
        DROP TRIGGER session_begun; DROP TRIGGER session_changed;
        ALTER TABLE session DROP COLUMN said; ALTER TABLE session DROP COLUMN seal;
        DELETE FROM grdb_migrations WHERE identifier = 'seals';
        """)
      #expect(try Catalog(directory: folder).turns(of: session) == said)
      // Without the triggers, as damage does it.
      try change(
        "DROP TRIGGER turn_changed; UPDATE turn SET text = X'00' WHERE number = 4; VACUUM;")
      #expect(throws: CatalogError.self) {
        try Catalog(directory: folder).turns(of: session)
      }
    }
  }
}
