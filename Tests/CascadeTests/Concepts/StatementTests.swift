import Cache
import Cascade
import Model
import TestSupport
import Testing

/// A vocabulary of a chat's tokens and words, spelled out.
enum Words {
  /// The token of each piece; the rest of the vocabulary is words.
  static let pieces = ["<s>", "</s>", "user", "robot", "\n", ".", "?", ".\"", "。"]
  static let start: TokenID = 0
  static let end: TokenID = 1
  static let user: TokenID = 2
  static let robot: TokenID = 3
  static let line: TokenID = 4
  static let stop: TokenID = 5
  static let asks: TokenID = 6
  static let firstWord: TokenID = 20
  static let count = 2000

  static let marks = TokenMarks(
    (0..<count).map { token in
      if token < 2 { return .special }
      let piece = token < pieces.count ? pieces[token] : " word\(token)"
      return TokenMarks.mark(of: Array(piece.utf8).span)
    })

  static let rarity = TokenRarity(
    vocabularySize: count, passageLength: 64, special: [start, end],
    wordless: [line, stop, asks])

  static func turn(_ text: [TokenID], by name: TokenID = user) -> [TokenID] {
    [start, name, line] + text + [end, line]
  }
}

@Suite("Statements")
struct StatementTests {
  private func cut(_ tokens: [TokenID], limit: Int = 60, isWhole: Bool = true) -> [Statement] {
    StatementCutter(marks: Words.marks, limit: limit).statements(of: tokens, isWhole: isWhole)
  }

  @Test("A turn is a statement, framed as it was, and its range is that of its text")
  func turns() {
    let texts: [[TokenID]] = [[30, 31, 5], [40, 41, 42, 6], [50]]
    let tokens = texts.flatMap { Words.turn($0) }
    let statements = cut(tokens)
    #expect(statements.map { Array($0.tokens[$0.text]) } == texts)
    #expect(statements.map { Array(tokens[$0.range]) } == texts)
    #expect(statements.map(\.isQuestion) == [false, true, false])
    #expect(statements[0].tokens == [0, 2, 4, 30, 31, 5, 1])
    // A name in two parts; and a turn that has only been opened.
    let parts = cut([0, 2, 3, 4, 30, 31, 1, 4, 0, 2, 3, 4])
    #expect(parts.map(\.tokens) == [[0, 2, 3, 4, 30, 31, 1]])
  }

  @Test("Plain text is cut where sentences end, as many of them together as fit")
  func sentences() {
    let tokens: [TokenID] = [30, 31, 5, 32, 33, 5, 34, 35, 36, 5, 37]
    #expect(cut(tokens, limit: 6).map(\.tokens) == [[30, 31, 5, 32, 33, 5], [34, 35, 36, 5, 37]])
    #expect(cut(tokens).map(\.tokens) == [tokens])
    // Notes, a line each; and a sentence that runs on in the next line.
    #expect(cut([30, 5, 4, 31, 4, 32, 5, 33]).map(\.tokens) == [[30, 5], [31, 4, 32, 5, 33]])
    // A point within a word ends nothing.
    #expect(cut([30, 5, 5, 31, 32], limit: 3).map(\.tokens) == [[30, 5, 5], [31, 32]])
  }

  @Test("What begins in the middle of a text begins with its first whole sentence or turn")
  func fragments() {
    #expect(cut([30, 31, 5, 32, 33], isWhole: false).map(\.tokens) == [[32, 33]])
    let turns = Array(Words.turn([30, 31]).dropFirst(4)) + Words.turn([40, 41])
    #expect(cut(turns, isWhole: false).map { Array($0.tokens[$0.text]) } == [[40, 41]])
    #expect(cut([30, 31, 32], isWhole: false).isEmpty)
  }

  @Test(
    "The marks of pieces",
    arguments: [
      (" a", [.beginsWithSpace]), ("\n\n", [.beginsWithSpace, .space, .endsLine]),
      (" ", [.beginsWithSpace, .space]),
      (".", [.endsSentence]), ("?\"", [.endsSentence, .endsQuestion]), ("", []), ("x", []),
      ("\n", [.beginsWithSpace, .space, .endsLine]), ("。", [.endsSentence, .beginsWithSpace]),
      ("？", [.endsSentence, .endsQuestion, .beginsWithSpace]), (".\n", [.endsSentence, .endsLine]),
    ] as [(String, TokenMarks.Mark)])
  func marks(piece: String, mark: TokenMarks.Mark) {
    #expect(TokenMarks.mark(of: Array(piece.utf8).span) == mark)
  }

  @Test(
    "Whatever the text, no statement is too long, none overlap, and every word is in one",
    arguments: 0..<100 as Range<UInt64>)
  func everything(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let tokens = (0..<random.count(0...400)).map { _ in
      random.count(0...3) == 0
        ? TokenID(random.count(0...8)) : TokenID(random.count(20...60))
    }
    let limit = random.count(1...60)
    let statements = cut(tokens, limit: limit)
    var end = 0
    var words = 0
    for statement in statements {
      #expect(statement.tokens.count <= limit)
      #expect(!statement.text.isEmpty)
      #expect(Array(statement.tokens[statement.text]) == Array(tokens[statement.range]))
      #expect(statement.range.lowerBound >= end)
      #expect(tokens[statement.range].allSatisfy { $0 > 1 })
      end = statement.range.upperBound
      words += tokens[statement.range].count { $0 >= Words.firstWord }
    }
    #expect(words == tokens.count { $0 >= Words.firstWord }, "seed \(seed)")
  }
}

@Suite("Passages in order")
struct PassageTreeTests {
  private func leaf(
    _ number: UInt64, after parent: UInt64?, session: UInt64 = 1, _ tokens: [TokenID]
  ) -> PassageTree.Leaf {
    PassageTree.Leaf(
      identity: BlockIdentity(high: 1, low: number),
      parent: parent.map { BlockIdentity(high: 1, low: $0) }, session: session,
      ordinal: parent == nil ? 0 : 1, time: 0, tokens: tokens)
  }

  @Test("A session that went on leaves out the beginning it went on from")
  func beginnings() {
    let tree = PassageTree([
      leaf(1, after: nil, [30, 31]), leaf(2, after: nil, [30, 31, 32]), leaf(3, after: 2, [33]),
      leaf(4, after: 2, [33, 34]), leaf(5, after: nil, session: 2, [30, 31]),
    ])
    #expect(tree.chains.map(\.passages) == [[1, 3], [4]])
    #expect(tree.chains.allSatisfy { $0.shared == 0 && $0.isWhole })
  }

  @Test("Texts that fork are read once each, and once more only around the fork")
  func forks() {
    var leaves = (1...6).map { leaf($0, after: $0 == 1 ? nil : $0 - 1, [TokenID($0) + 30]) }
    leaves.append(leaf(7, after: 4, [50]))
    leaves.append(leaf(8, after: 99, [60]))
    let chains = PassageTree(leaves).chains
    #expect(chains.map(\.passages).contains([0, 1, 2, 3, 4, 5]))
    #expect(chains.map(\.passages).contains([2, 3, 6]))
    #expect(chains.first { $0.passages == [2, 3, 6] }?.shared == 2)
    #expect(chains.first { $0.passages == [7] }?.isWhole == false)
    #expect(chains.count == 3)
  }
}
