internal import Cache
internal import Cascade

extension StoreKeeper {
  /// Segments with bytes that nothing refers to.
  func deadSegments() throws(EngineError) -> [SegmentCondition] {
    try EngineError.aboutMemory { () throws(StoreError) in
      try tiers.segmentConditions().filter { $0.deadBytes > 0 }
    }
  }

  func compact(
    _ segment: SegmentCondition, _ result: inout StoreCompaction
  ) throws(EngineError) {
    let isDone = try EngineError.aboutMemory { () throws(StoreError) in
      try tiers.compact(segment: segment.number)
    }
    if isDone {
      result.compacted += 1
    } else {
      result.held.append(
        "\(segment.path): another process writes to it; its \(segment.deadBytes) dead bytes stay until "
          + "that one has ended.")
    }
  }

  func compactCatalog(_ result: inout StoreCompaction) throws(EngineError) {
    try EngineError.aboutCatalog { () throws(CatalogError) in
      guard let catalog = try store.existingCatalog(), try !catalog.compact() else { return }
      result.held.append(
        "\(catalog.path ?? "the catalog"): another process is at work in it; it is written anew when that one "
          + "has ended.")
    }
  }
}
