import Evaluation
import Foundation
import Generation
import Testing

@Suite("Evaluation tasks")
struct TaskTests {
  /// Stands for a tokenizer: a token for each word.
  static func words(_ text: String) -> Int { text.split(whereSeparator: \.isWhitespace).count }

  private func texts(_ question: Question, _ view: Arm.View = .whole) throws -> String {
    guard case .text(let text) = question.prompt(view) else {
      throw EvaluationError("not a text")
    }
    return text
  }

  // Mohtashami & Jaggi 2023, as Quest's passkey.py writes it.
  @Test("A passkey's text is the protocol's, word for word")
  func passkeyText() {
    let garbage =
      "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
    #expect(
      Passkey(key: 4711, before: 2, after: 1).text == """
        There is an important info hidden inside a lot of irrelevant text. Find it and memorize \
        them. I will quiz you about the important information there.
        \(garbage) \(garbage)
        The pass key is 4711. Remember it. 4711 is the pass key.
        \(garbage)
        What is the pass key? The pass key is
        """)
    #expect(!Passkey(key: 1, before: 0, after: 0).text.contains("grass"))
  }

  @Test("A passkey's length and depth are those asked for", arguments: [200, 1000, 10_000])
  func passkeyLength(length: Int) throws {
    let task = PasskeyTask(lengths: [length], depths: [0, 50, 100], repetitions: 2, seed: 3)
    let questions = task.questions(countingTokens: Self.words)
    #expect(questions.count == 6)
    for question in questions {
      let text = try texts(question)
      #expect(abs(Self.words(text) - length) <= 20)
      let before = text[..<text.ranges(of: "The pass key is")[0].lowerBound]
      let share = before.ranges(of: "grass").count * 100 / text.ranges(of: "grass").count
      #expect(abs(share - question.depth!) <= 8, "\(share) for \(question.depth!)")
      #expect(question.score(" \(question.expected[0]). Remember") == 1)
      #expect(question.score(" 1\(question.expected[0])") == 0)
    }
  }

  @Test("A task's questions repeat with its seed, and differ with another")
  func seeds() throws {
    func all(_ seed: UInt64) throws -> [String] {
      let passkeys = PasskeyTask(lengths: [300], depths: [50], repetitions: 3, seed: seed)
      let needles = NeedleTask(
        needles: Needle.allCases, lengths: [300], repetitions: 3, haystack: .synthetic, seed: seed)
      let pairs = KeyValueTask(
        lengths: [300], depths: [50], repetitions: 3, kind: .words, seed: seed)
      return try
        (passkeys.questions(countingTokens: Self.words)
        + needles.questions(countingTokens: Self.words)
        + pairs.questions(countingTokens: Self.words)).map { try texts($0) }
    }
    #expect(try all(1) == all(1))
    #expect(Set(try all(1)).isDisjoint(with: try all(2)))
    #expect(Set(try all(1)).count == 3 + 7 * 3 + 3)
  }

  @Test(
    "A needle's text holds what is asked, once, and no more than the length",
    arguments: Needle.allCases)
  func needles(needle: Needle) throws {
    for seed in UInt64(1)...10 {
      for length in [250, 1500] {
        let hidden = NeedleTask.hide(
          needle, length: length, in: .synthetic, seed: seed, Self.words)
        #expect(abs(Self.words(hidden.text) - length) <= 40, "seed \(seed)")
        for needle in hidden.needles {
          #expect(hidden.text.ranges(of: needle).count == 1, "seed \(seed)")
          #expect(hidden.near.contains(needle), "seed \(seed)")
        }
        for answer in hidden.expected {
          #expect(hidden.needles.contains { $0.contains(answer) }, "seed \(seed)")
        }
        #expect(hidden.near.count < hidden.text.count)
        #expect((0..<100).contains(hidden.depth))
      }
      // What is hidden does not depend on the length, so that lengths can be compared.
      #expect(
        NeedleTask.hide(needle, length: 0, in: .synthetic, seed: seed, Self.words).expected
          == NeedleTask.hide(needle, length: 900, in: .synthetic, seed: seed, Self.words).expected)
    }
  }

  @Test(
    "Each needle task asks for as many answers as RULER's",
    arguments: [
      (Needle.s1, 1), (.s2, 1), (.s3, 1), (.mk1, 1), (.mk3, 1), (.mv, 4), (.vt, 5),
    ])
  func expectedAnswers(needle: Needle, count: Int) {
    let hidden = NeedleTask.hide(needle, length: 400, in: .repeated, seed: 9, Self.words)
    #expect(hidden.expected.count == count)
    #expect(
      Judge.contains.score(hidden.expected.joined(separator: ", "), expected: hidden.expected) == 1)
    let half = hidden.expected.prefix((count + 1) / 2).joined(separator: " and ")
    #expect(
      Judge.contains.score(half, expected: hidden.expected)
        == Double((count + 1) / 2) / Double(count))
  }

  @Test("A variable's chain leads from the value through every name")
  func chain() {
    let hidden = NeedleTask.hide(.vt, length: 500, in: .synthetic, seed: 4, Self.words)
    for (index, needle) in hidden.needles.enumerated() where index > 0 {
      #expect(needle == "VAR \(hidden.expected[index]) = VAR \(hidden.expected[index - 1])")
    }
    let places = hidden.needles.map { hidden.text.ranges(of: $0)[0].lowerBound }
    #expect(places == places.sorted())
  }

  @Test("A haystack's sentences are the text's, in its order")
  func haystack() throws {
    let haystack = try Haystack(text: "One fox ran. It hid!\nNobody saw it, did they? No")
    let hidden = NeedleTask.hide(.s2, length: 120, in: haystack, seed: 1, Self.words)
    let filler = hidden.needles.reduce(hidden.text) { $0.replacing($1 + " ", with: "") }
    #expect(filler.contains("One fox ran. It hid! Nobody saw it, did they? No One fox ran."))
    #expect(throws: EvaluationError.self) { try Haystack(text: " \n") }
  }

  @Test("Key-value texts are JSON objects in which the key asked for has the value expected")
  func keyValues() throws {
    for kind in KeyValueTask.Kind.allCases {
      let task = KeyValueTask(
        lengths: [400], depths: [0, 50, 100], repetitions: 1, kind: kind, seed: 8)
      for question in task.questions(countingTokens: Self.words) {
        for view in [Arm.View.whole, .near] {
          let text = try texts(question, view)
          let start = try #require(text.firstIndex(of: "{"))
          let end = try #require(text.firstIndex(of: "}"))
          let object = try JSONDecoder().decode(
            [String: String].self, from: Data(text[start...end].utf8))
          let key = text[end...].split(separator: "\"")[1]
          #expect(object[String(key)] == question.expected[0])
          #expect(text.hasSuffix("Corresponding value:"))
        }
      }
      #expect(task.pairs(11, depth: 50, seed: 1).asked == 5)
    }
  }

  @Test("A long key-value task in words finds enough different keys")
  func manyKeys() {
    let task = KeyValueTask(lengths: [], depths: [], repetitions: 0, kind: .words, seed: 1)
    let pairs = task.pairs(6000, depth: 10, seed: 2)
    #expect(Set(pairs.pairs.map(\.key)).count == 6000)
  }

  @Test(
    "An answer counts only as words of its own, whatever their case",
    arguments: [
      ("You told me: Leopold.", "leopold", true), ("Leopold", "Leo", false),
      ("it is in  the\ngreenhouse!", "In the greenhouse", true),
      ("the house", "in the house", false),
      ("the code is 582921", "58292", false), ("the code is 58292.", "58292", true),
      ("", "x", false), ("x", "", false),
    ])
  func contains(reply: String, answer: String, isFound: Bool) {
    #expect(Judge.contains.score(reply, expected: [answer]) == (isFound ? 1 : 0))
  }

  @Test(
    "A passkey's reply is judged by its first integer",
    arguments: [("  4711. 12", 1.0), ("12 4711", 0), ("key: 4711th", 1), ("", 0), ("none", 0)])
  func firstInteger(reply: String, score: Double) {
    #expect(Judge.firstInteger.score(reply, expected: ["4711"]) == score)
  }
}
