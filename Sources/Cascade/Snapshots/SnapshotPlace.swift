package import Cache
package import Model

/// A store's side of exporting and importing: where blocks and turns are, and what model reads them.
package struct SnapshotPlace: Sendable {
  package let tiers: TieredStore
  package let catalog: Catalog
  package let layout: KVLayout
  package let model: ModelDigest
  package let modelName: String
  /// Tokens that the model knows.
  package let vocabulary: Int
  /// The name of the template that the model's chats are written in; nil where Spark knows none.
  package let template: String?
  /// The store's folder; nil when it is in memory.
  package let directory: String?

  package init(
    tiers: TieredStore, catalog: Catalog, layout: KVLayout, model: ModelDigest, modelName: String,
    vocabulary: Int, template: String?, directory: String?
  ) {
    self.tiers = tiers
    self.catalog = catalog
    self.layout = layout
    self.model = model
    self.modelName = modelName
    self.vocabulary = vocabulary
    self.template = template
    self.directory = directory
  }

  var modelIdentity: BlockIdentity { BlockIdentity(high: model.high, low: model.low) }

  /// Reads what other processes have written, where there is a folder.
  func refresh() throws(SnapshotError) {
    try SnapshotError.aboutStore { () throws(StoreError) in try tiers.refresh() }
  }
}

/// What an export or an import has dealt with.
package struct SnapshotTally: Sendable, Equatable {
  package var turns = 0
  package var tokens = 0
  /// Blocks with keys and values, the last one that was not full included.
  package var blocks = 0
  /// Tokens in them.
  package var blockTokens = 0
  /// Blocks of the session that there should be beside them.
  package var blocksLeftOut = 0
  /// Bytes of keys and values before they were encoded.
  package var keyValueBytes = 0
  /// Bytes of the snapshot.
  package var bytes = 0

  package init() {}
}
