package import Model

/// How a gist is read: what stands before it, so that it may be recalled like a session's first block,
/// whose sinks are left out.
package struct GistFrame: Sendable {
  let blockLength: Int
  let sinks: Int
  let filler: TokenID
  let marks: TokenMarks

  /// The most tokens of a gist that are useful: a long one dilutes what it says.
  private static let longest = 60

  package init(blockLength: Int, sinks: Int, filler: TokenID, marks: TokenMarks) {
    self.blockLength = blockLength
    self.sinks = sinks
    self.filler = filler
    self.marks = marks
  }

  /// Tokens of a gist at most; too few for any where sinks fill the block.
  package var limit: Int { min(Self.longest, blockLength - sinks) }
  package var hasRoom: Bool { limit >= 8 }

  package var cutter: StatementCutter { StatementCutter(marks: marks, limit: max(1, limit)) }

  /// The tokens to read: as many as there are sinks, then the gist.
  ///
  /// They begin as the gist itself does, with what opens a turn, again and again: a model attends to
  /// its first tokens whatever they are, but keys of the gist have seen them.
  package func sequence(_ gist: [TokenID]) -> [TokenID] {
    var opening = Array(gist.prefix { marks[$0].contains(.special) })
    if opening.isEmpty { opening = [filler] }
    return (0..<sinks).map { opening[min($0, opening.count - 1)] } + gist
  }
}
