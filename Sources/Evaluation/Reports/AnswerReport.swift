/// What trials add up to, by arm and bucket.
package struct AnswerReport: Sendable {
  /// Rows that have no place on a scale come last.
  private var buckets: Set<Bucket> = []
  private var depths: Set<Int> = []
  private var cells: [Key: Cell] = [:]
  package let arms: [String]

  private struct Key: Hashable {
    var arm: String
    var row: Row
  }

  /// A row of one of the tables.
  package enum Row: Hashable, Sendable {
    case bucket(Bucket)
    case depth(Int)
    /// All buckets that have a place on the scale.
    case all
  }

  /// What is known of one arm in one row.
  package struct Cell: Sendable, Equatable {
    /// Replies that told everything expected, of those that could be asked.
    package var correct = Proportion()
    /// Questions that the arm could not be asked, the prompt being longer than its context.
    package var skipped = 0
    package var scores = 0.0

    /// The mean share of what was expected that replies told; nil without trials.
    package var meanScore: Double? {
      correct.trials > 0 ? scores / Double(correct.trials) : nil
    }

    package init() {}

    fileprivate mutating func add(_ trial: Trial) {
      guard let score = trial.score else {
        skipped += 1
        return
      }
      correct.count(score == 1)
      scores += score
    }
  }

  /// - Parameter arms: their names, in the order of the columns.
  package init(arms: [String]) { self.arms = arms }

  package mutating func add(_ trial: Trial) {
    let bucket = Bucket(name: trial.bucket, tokens: trial.length)
    buckets.insert(bucket)
    if let depth = trial.depth { depths.insert(depth) }
    var rows = [Row.bucket(bucket)]
    // What has no place on the scale asks something else.
    if bucket.tokens != nil { rows.append(.all) }
    if let depth = trial.depth { rows.append(.depth(depth)) }
    for row in rows {
      cells[Key(arm: trial.arm, row: row), default: Cell()].add(trial)
    }
  }

  package var sortedBuckets: [Bucket] { buckets.sorted() }

  package func cell(_ arm: String, _ row: Row) -> Cell {
    cells[Key(arm: arm, row: row)] ?? Cell()
  }

  /// A table with a row for each bucket, and a second one for each depth if there are several.
  ///
  /// - Parameter rows: what the buckets are, the head of the first column.
  package func markdown(rows: String) -> String {
    var table = MarkdownTable(head: [rows] + arms)
    for bucket in sortedBuckets {
      table.rows.append([bucket.name] + arms.map { describe(cell($0, .bucket(bucket))) })
    }
    if buckets.count(where: { $0.tokens != nil }) > 1 {
      table.rows.append(["all"] + arms.map { describe(cell($0, .all)) })
    }
    guard depths.count > 1 else { return table.description }
    var second = MarkdownTable(head: ["depth"] + arms)
    for depth in depths.sorted() {
      second.rows.append(["\(depth)%"] + arms.map { describe(cell($0, .depth(depth))) })
    }
    return table.description + "\n" + second.description
  }

  /// `16/20 80% [58, 92]`; the mean score as well where it tells more; a dash where the arm's context
  /// is too short.
  private func describe(_ cell: Cell) -> String {
    guard let value = cell.correct.value else { return "–" }
    let interval = cell.correct.interval()
    var text =
      "\(cell.correct.successes)/\(cell.correct.trials) \(value.percent)% "
      + "[\(interval.lowerBound.percent), \(interval.upperBound.percent)]"
    if let mean = cell.meanScore, abs(mean - value) > 1e-9 { text += ", mean \(mean.percent)%" }
    if cell.skipped > 0 { text += ", \(cell.skipped) too long" }
    return text
  }

  /// The table's cells as records, for machines.
  package var records: [Record] {
    (sortedBuckets.map { Row.bucket($0) } + depths.sorted().map { .depth($0) } + [.all])
      .flatMap { row in arms.map { Record($0, row, cell($0, row)) } }
  }

  package struct Record: Sendable, Encodable {
    package var event = "cell"
    package var arm: String
    package var bucket: String?
    package var length: Int?
    package var depth: Int?
    package var correct: Int
    package var trials: Int
    package var skipped: Int
    package var share: Double?
    package var low: Double
    package var high: Double
    package var meanScore: Double?

    fileprivate init(_ arm: String, _ row: Row, _ cell: Cell) {
      self.arm = arm
      switch row {
      case .bucket(let bucket): (self.bucket, length) = (bucket.name, bucket.tokens)
      case .depth(let depth): self.depth = depth
      case .all: bucket = "all"
      }
      correct = cell.correct.successes
      trials = cell.correct.trials
      skipped = cell.skipped
      share = cell.correct.value
      let interval = cell.correct.interval()
      (low, high) = (interval.lowerBound, interval.upperBound)
      meanScore = cell.meanScore
    }
  }
}

extension Double {
  fileprivate var percent: Int { Int((self * 100).rounded()) }
}
