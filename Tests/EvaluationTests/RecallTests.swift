import Evaluation
import Foundation
import Generation
import Testing

@Suite("Recall items")
struct RecallTests {
  static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/recall.jsonl")

  static func items() throws -> [RecallItem] {
    try RecallItem.items(of: String(contentsOf: file, encoding: .utf8), file: "recall.jsonl")
  }

  /// A token for each word and two for each turn.
  static func tokens(_ messages: [ChatMessage]) -> Int {
    messages.reduce(3) { $0 + 2 + TaskTests.words($1.content) }
  }

  @Test("Turns are read with their lines, and the open one is no message")
  func parsing() throws {
    let dialogue = try Dialogue(
      "User: Hi.\nAssistant: Hello!\n\nUserland is here.\nUser: A poem:\n  one\n  two\nAssistant:")
    #expect(
      dialogue.messages == [
        .user("Hi."), .assistant("Hello!\n\nUserland is here."), .user("A poem:\n  one\n  two"),
      ])
    #expect(dialogue.question == .user("A poem:\n  one\n  two"))
    #expect(dialogue.history.count == 2)
  }

  @Test(
    "What is no dialogue with a question is refused",
    arguments: ["", "Hello", "User: Hi.\nAssistant: Hello!", "Assistant:", "text\nUser: Hi."])
  func refusals(text: String) {
    #expect(throws: DialogueError.self) { try Dialogue(text) }
  }

  @Test("An error names the file and the line")
  func errors() {
    let good = #"{"history": "User: Hi?", "answer": "x"}"#
    for (text, expected) in [
      (good + "\n\n{}", "f.jsonl:3: not a JSON object with the texts history and answer."),
      (
        good + "\n" + #"{"history": "Hi", "answer": "x"}"#,
        #"f.jsonl:2: the history cannot be used: it begins with neither "User: " nor "Assistant: "."#
      ),
      ("\n", "f.jsonl holds no dialogue."),
    ] {
      do {
        _ = try RecallItem.items(of: text, file: "f.jsonl")
        Issue.record("\(text) was read")
      } catch {
        #expect(error.description == expected)
      }
    }
  }

  @Test("The fact is the turn that the question is about, the last of equals")
  func fact() throws {
    let sum = try Dialogue(
      "User: The red bag holds 9 badges.\nAssistant: Fine.\nUser: What is 4 plus 5, 9?\n"
        + "Assistant: Yes.\nUser: How many badges are in the red bag?")
    #expect(sum.fact(telling: "9") == 0)
    let again = try Dialogue(
      "User: I live in Rome.\nAssistant: Fine.\nUser: I live in Rome, still.\nAssistant: Good.\n"
        + "User: Where do I live?")
    #expect(again.fact(telling: "rome") == 2)
    #expect(again.fact(telling: "Paris") == nil)
    // The assistant's words and the question itself tell nothing.
    #expect(again.fact(telling: "good") == nil)
    #expect(again.fact(telling: "where") == nil)
  }

  @Test("Every item of the fixture but the one that was not told has its fact")
  func fixture() throws {
    let items = try Self.items()
    #expect(items.count == 20)
    #expect(items.filter { $0.fact == nil }.map(\.kind) == ["unknown"])
  }

  @Test("The near dialogue keeps fact and question, within the room there is")
  func near() throws {
    for item in try Self.items() {
      guard let fact = item.fact else { continue }
      for room in [30, 100, 400, 5000] {
        let near = item.dialogue.near(fact) { Self.tokens($0.messages) <= room }
        #expect(near.question == item.dialogue.question)
        #expect(near.messages.contains(item.dialogue.messages[fact]))
        let least = Array(
          item.dialogue.messages[fact..<item.dialogue.end(ofExchangeAt: fact)])
        #expect(
          Self.tokens(near.messages) <= room || near.messages == least + [near.question])
        #expect(near.messages.first?.role == .user)
      }
    }
  }

  @Test("Stretching keeps every turn, adds unrelated ones after the fact, and reaches the distance")
  func stretching() throws {
    let items = try Self.items()
    let task = RecallTask(
      items: items, distances: [], limit: 99, filler: Filler(items: items), maxTokens: 40, seed: 11)
    var costs: [String: Int] = [:]
    var count = 0
    for (index, item) in items.enumerated() {
      guard let distance = try RecallTask.distance(in: item, Self.tokens) else { continue }
      let target = distance + 700
      let longer = try task.stretch(
        item, from: distance, to: target, index: index, costs: &costs, Self.tokens)
      let reached = try #require(try RecallTask.distance(in: longer, Self.tokens))
      #expect(reached >= target && reached < target + 400)
      #expect(longer.dialogue.question == item.dialogue.question)
      #expect(longer.dialogue.messages[longer.fact!] == item.dialogue.messages[item.fact!])
      // Taking the new turns out again leaves what there was.
      let start = item.dialogue.end(ofExchangeAt: item.fact!)
      let added = longer.dialogue.messages.count - item.dialogue.messages.count
      var back = longer.dialogue
      back.messages.removeSubrange(start..<start + added)
      #expect(back == item.dialogue)
      let inserted = longer.dialogue.messages[start..<start + added]
      #expect(!inserted.contains { Words($0.content).contains(Words(item.answer)) })
      // A user's and an assistant's turn by turns, so that the template can write them.
      #expect(
        zip(longer.dialogue.messages, longer.dialogue.messages.dropFirst())
          .allSatisfy { $0.role != $1.role })
      count += 1
    }
    #expect(count == 19)
  }

  @Test("Stretched runs ask the same items at every distance, and repeat with their seed")
  func stretchedQuestions() throws {
    let items = try Self.items()
    func ids(_ seed: UInt64) throws -> [String] {
      try RecallTask(
        items: items, distances: [900, 400], limit: 5, filler: Filler(items: items), maxTokens: 40,
        seed: seed
      ).questions(window: 512, countingTokens: Self.tokens).map(\.id)
    }
    let first = try ids(1)
    #expect(first.count == 10)
    #expect(try first == ids(1))
    #expect(try Set(first) != Set(ids(2)))
    func stems(_ suffix: String) -> Set<Substring> {
      Set(first.filter { $0.hasSuffix(suffix) }.map { $0.dropLast(suffix.count) })
    }
    #expect(stems("-400") == stems("-900"))
    #expect(stems("-400").count == 5)
  }

  @Test(
    "At natural distances, items stand in the group of their distance; what was not told has one of its own"
  )
  func buckets() throws {
    let items = try Self.items()
    let questions = try RecallTask(
      items: items, distances: [], limit: 99, filler: Filler(exchanges: []), maxTokens: 40, seed: 1
    ).questions(window: 512, countingTokens: Self.tokens)
    #expect(questions.count == 20)
    for question in questions {
      if let distance = question.distance {
        let end = question.bucket.tokens!
        #expect(distance <= end && (end == 256 || distance > end / 2))
      } else {
        #expect(question.bucket.name == "not told")
      }
    }
    #expect(questions.map(\.bucket).sorted().last?.name == "not told")
  }

  @Test("Fillers from a text are its passages, none of them long")
  func textFiller() {
    let sentence = "The wind blew over the hills all night long. "
    let filler = Filler(
      text: String(repeating: sentence, count: 60) + "\n\n<|endoftext|>\nShort one.\n\nAnother.")
    #expect(filler.exchanges.count > 2)
    #expect(filler.exchanges.allSatisfy { $0.assistant.utf8.count <= 1100 })
    #expect(filler.exchanges.last?.assistant.hasSuffix("Short one. Another.") == true)
    #expect(
      filler.exchanges.map(\.assistant).joined(separator: " ").ranges(of: "hills").count == 60)
  }

  @Test("Without unrelated turns, stretching says what to do")
  func noFiller() throws {
    let task = RecallTask(
      items: try Self.items(), distances: [4096], limit: 3, filler: Filler(exchanges: []),
      maxTokens: 40, seed: 1)
    #expect(throws: EvaluationError.self) {
      try task.questions(window: 512, countingTokens: Self.tokens)
    }
  }
}
