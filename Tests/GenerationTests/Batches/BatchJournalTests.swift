import Generation
import Testing

@Suite struct BatchJournalTests {
  private func journal(_ bytes: [UInt8]) throws(BatchJournal.Fault) -> BatchJournal {
    var splitter = LineSplitter(limit: .max)
    var journal = BatchJournal()
    try splitter.add(bytes[...]) { (line) throws(BatchJournal.Fault) in try journal.take(line) }
    if let last = splitter.finish() { try journal.take(last) }
    return journal
  }

  private func result(_ line: Int, error: Bool = false) -> String {
    let digest = BatchDigest(UInt64(line) << 7).text
    let rest = error ? #""error":{"code":"prompt","message":"é"}"# : #""text":"é\n{}""#
    return #"{"digest":"\#(digest)","line":\#(line),\#(rest)}"# + "\n"
  }

  @Test func `whole results are done, and those with an error have failed`() throws {
    let text = result(3) + result(1, error: true) + result(7)
    let journal = try journal(Array(text.utf8))
    #expect(journal.done == [1: .init(1 << 7), 3: .init(3 << 7), 7: .init(7 << 7)])
    #expect(journal.failed == 1 && journal.last == 7 && !journal.isAscending)
    #expect(journal.length == text.utf8.count && !journal.isTorn)
    let ordered = try self.journal(Array((result(1) + result(4)).utf8))
    #expect(ordered.isAscending && ordered.last == 4)
  }

  @Test
  func `a file that was cut anywhere has the results before the cut, and a length to go on from`()
    throws
  {
    let results = (1...4).map { Array(result($0).utf8) }
    let bytes = Array(results.joined())
    for cut in 0...bytes.count {
      let journal = try journal(Array(bytes[..<cut]))
      var (whole, length) = (0, 0)
      while whole < results.count, length + results[whole].count <= cut {
        length += results[whole].count
        whole += 1
      }
      #expect(journal.done.keys.sorted() == Array(1..<whole + 1))
      #expect(journal.length == length && journal.isTorn == (cut > length))
    }
  }

  @Test
  func `bytes that never came to the disk end the journal, also when others came behind them`()
    throws
  {
    let first = Array(result(1).utf8)
    var bytes = first + result(2).utf8 + Array(result(3).utf8)
    for place in first.count + 5..<first.count + 60 { bytes[place] = 0 }
    let journal = try journal(bytes)
    #expect(journal.done.keys.sorted() == [1])
    #expect(journal.isTorn && journal.length == first.count)
  }

  @Test(arguments: [
    ("hello\n", "is no result of a batch"), ("\n", "is no result of a batch"),
    (#"{"line":1}"# + "\n", "is no result of a batch"),
    (#"{"line":0,"digest":"0000000000000000"}"# + "\n", "is no result of a batch"),
    (#"{"line":1,"digest":"12"}"# + "\n", "is no result of a batch"),
  ])
  func `a file of something else is not taken for a journal`(text: String, words: String) {
    #expect(throws: BatchJournal.Fault.self) { try journal(Array((result(9) + text).utf8)) }
  }

  @Test(arguments: [
    "GGUF\u{3}\0\0\0tensors\n", "GGUF\u{3}\0\0\0no end of line", "a last line without an end",
    #"{"prompt":"Once"}"#, "\0\0\0\0ustar\n", "\0\0\0\0ustar", "{\"digests\":", " {", "\0\n",
  ])
  func `a file that no batch can have left is not cut, whatever its last line lacks`(text: String) {
    let bytes = Array(text.utf8)
    #expect(throws: BatchJournal.Fault(line: 1, description: "is no result of a batch")) {
      try journal(bytes)
    }
    // Behind results, zeros can be a lost block with what was written behind it.
    guard bytes[0] != 0 else { return }
    #expect(throws: BatchJournal.Fault(line: 2, description: "is no result of a batch")) {
      try journal(Array(result(9).utf8) + bytes)
    }
  }

  @Test func `a file of nothing but zeros is what a power cut leaves of a first result`() throws {
    let journal = try journal([UInt8](repeating: 0, count: 600))
    #expect(journal.isTorn && journal.length == 0 && journal.done.isEmpty)
  }

  @Test func `what could not be answered can be left out`() throws {
    let text = result(3) + result(1, error: true) + result(7)
    let rest = try journal(Array(text.utf8)).withoutFailures
    #expect(rest.done == [3: .init(3 << 7), 7: .init(7 << 7)])
    #expect(rest.failed == 0)
  }

  @Test func `a second result of a line is told with the line`() {
    do {
      _ = try journal(Array((result(2) + result(2)).utf8))
      Issue.record("two results of one line were taken")
    } catch {
      #expect(error.line == 2)
      #expect(error.description == "is a second result of line 2 of the input")
    }
  }

  @Test func `digests are sixteen digits and tell lines and settings apart`() throws {
    for value in [0, 1, 0xabc, UInt64.max] {
      let text = BatchDigest(value).text
      #expect(text.utf8.count == 16)
      #expect(BatchDigest(text) == BatchDigest(value))
    }
    #expect(BatchDigest("12") == nil && BatchDigest("000000000000000g") == nil)
    func digest(_ text: String, _ settings: String) -> BatchDigest {
      BatchDigest(of: InputLine(number: 1, bytes: Array(text.utf8), end: 0), settings: settings)
    }
    let all = [digest("a", "s"), digest("b", "s"), digest("a", "t"), digest("sa", "")]
    #expect(Set(all).count == 4)
    #expect(digest("a", "s") == all[0])
  }
}

@Suite struct BatchLedgerTests {
  private func line(_ number: Int, _ text: String) -> InputLine {
    InputLine(number: number, bytes: Array(text.utf8), end: 0)
  }

  /// The journal of a run that has done `lines`.
  private func journal(_ lines: [InputLine], settings: String) throws -> BatchJournal {
    var (first, journal) = (BatchLedger(BatchJournal(), settings: settings), BatchJournal())
    for line in lines {
      guard case .open(let digest) = first.standing(of: line) else { continue }
      let text = #"{"line":\#(line.number),"digest":"\#(digest.text)"}"#
      try journal.take(
        InputLine(number: line.number, bytes: Array(text.utf8), end: line.number))
    }
    return journal
  }

  @Test func `what is done stays done, what is new is open, and blank lines are neither`() throws {
    let lines = [line(1, "a"), line(2, " \t"), line(3, "b"), line(4, "c")]
    var ledger = BatchLedger(try journal([lines[0], lines[2]], settings: "s"), settings: "s")
    #expect(lines[..<3].map { ledger.standing(of: $0) } == [.done, .blank, .done])
    guard case .open = ledger.standing(of: lines[3]) else {
      Issue.record("a new line is not open")
      return
    }
    #expect(ledger.prompts == 3 && ledger.strangers == 0)
  }

  @Test
  func `another line, other settings or another format is noticed, unless it is to be ignored`()
    throws
  {
    let done = try journal([line(1, "a")], settings: "s")
    var ledger = BatchLedger(done, settings: "s")
    #expect(ledger.standing(of: line(1, "b")) == .changed)
    ledger = BatchLedger(done, settings: "t")
    #expect(ledger.standing(of: line(1, "a")) == .changed)
    ledger = BatchLedger(done, settings: "s", format: .json)
    #expect(ledger.standing(of: line(1, "a")) == .changed)
    ledger = BatchLedger(done, settings: "t", ignoresChanges: true)
    #expect(ledger.standing(of: line(1, "b")) == .done)
  }

  @Test func `results of lines that are not there are counted`() throws {
    let done = try journal([line(1, "a"), line(2, "b"), line(9, "c")], settings: "s")
    var ledger = BatchLedger(done, settings: "s")
    _ = ledger.standing(of: line(1, "a"))
    #expect(ledger.strangers == 2)
    ledger = BatchLedger(done, settings: "s", ignoresChanges: true)
    #expect(ledger.strangers == 0)
  }
}
