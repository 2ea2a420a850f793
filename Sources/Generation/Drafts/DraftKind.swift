/// Where a draft comes from.
enum DraftSource: Int, Sendable, CaseIterable {
  case lookup, continuations
}

/// What a draft's chances are told by: its source, and how many tokens it had in common with the text's
/// end.
package struct DraftKind: Sendable, Hashable {
  var source: DraftSource
  var match: Int

  package static let count = DraftSource.allCases.count * matches.count
  static let matches = PromptLookup.shortest...PromptLookup.longest

  init(_ source: DraftSource, match: Int) {
    self.source = source
    self.match = match
  }

  package init(number: Int) {
    source = DraftSource(rawValue: number / Self.matches.count)!
    match = Self.matches.lowerBound + number % Self.matches.count
  }

  /// Below `count`.
  package var number: Int {
    source.rawValue * Self.matches.count + match - Self.matches.lowerBound
  }
}
