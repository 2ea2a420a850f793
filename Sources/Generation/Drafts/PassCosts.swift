/// What a pass of several rows costs, in passes of one row, as measured while replies are made.
///
/// On processors the ratio is anything between 1, where reading the weights is all, and the number of
/// rows, where arithmetic is. Sudden outliers are cut: other processes run on the machine, too.
package struct PassCosts: Sendable {
  /// The most rows that are told apart.
  package static let most = 32
  /// Passes of one row before anything is said.
  private static let leastSingles = 4
  /// Passes of several rows in a row after which a pass of one row has to be measured again.
  private static let patience = 128

  /// Seconds of a pass of one row.
  private var single = 0.0
  private var singles = 0
  private var sinceSingle = 0
  /// [rows]; 0 where nothing was measured.
  private var ratios = [Double](repeating: 0, count: most + 1)

  /// Seconds of a pass of whoever computes drafts, and of a row that it only reads; 0 where none was
  /// measured.
  private var drafting = [Double](repeating: 0, count: DraftSource.allCases.count)
  private var reading = 0.0
  /// Passes that `drafting` knows of.
  private var draftingPasses = [Int](repeating: 0, count: DraftSource.allCases.count)

  package init() {}

  package mutating func note(rows: Int, _ duration: Duration) {
    let seconds = duration / .seconds(1)
    guard seconds > 0, (1...Self.most).contains(rows) else { return }
    if rows == 1 {
      singles += 1
      sinceSingle = 0
      // The first passes also touch memory for the first time, and the least tells most.
      single =
        singles <= Self.leastSingles
        ? (singles == 1 ? seconds : min(single, seconds))
        : single + (min(seconds, 2 * single) - single) / 8
      return
    }
    guard isKnown else { return }
    sinceSingle += 1
    let ratio = seconds / single
    guard ratios[rows] > 0 else {
      ratios[rows] = min(max(ratio, 1), Double(rows))
      return
    }
    // What disturbs a measurement makes it longer, so one that is shorter is believed at once.
    ratios[rows] =
      ratio < ratios[rows]
      ? max(ratio, 1) : ratios[rows] + (min(ratio, 2 * ratios[rows]) - ratios[rows]) / 4
  }

  /// A pass has computed a token of a draft.
  package mutating func note(drafting source: DraftSource, _ duration: Duration) {
    Self.note(duration / .seconds(1), in: &drafting[source.rawValue])
    draftingPasses[source.rawValue] += 1
  }

  /// A second model has read `rows` rows of a text.
  package mutating func note(reading rows: Int, _ duration: Duration) {
    guard rows > 0 else { return }
    Self.note(duration / .seconds(1) / Double(rows), in: &reading)
  }

  private static func note(_ seconds: Double, in value: inout Double) {
    guard seconds > 0 else { return }
    guard value > 0 else {
      value = seconds
      return
    }
    value = seconds < value ? seconds : value + (min(seconds, 2 * value) - value) / 8
  }

  /// What a token of a draft costs to compute, in passes of one row.
  ///
  /// - Parameter assumed: before it is measured.
  package func price(of source: DraftSource, assumed: Double) -> Double {
    let seconds = drafting[source.rawValue]
    guard seconds > 0, single > 0 else { return assumed }
    // The first passes also touch memory for the first time.
    return draftingPasses[source.rawValue] < Self.leastSingles
      ? min(seconds / single, assumed) : seconds / single
  }

  /// The same for a row that a second model reads.
  package func priceOfReading(assumed: Double) -> Double {
    reading > 0 && single > 0 ? reading / single : assumed
  }

  /// Whether passes of `rows` rows have been measured.
  func isMeasured(rows: Int) -> Bool { rows > Self.most || ratios[rows] > 0 }

  /// Whether a pass of one row is known, and lately.
  package var isKnown: Bool { singles >= Self.leastSingles && sinceSingle < Self.patience }

  /// What a pass of `rows` rows costs. More rows never cost less, so a larger pass bounds a smaller one;
  /// between two that were measured lies a straight line, and what is larger than all of them counts as
  /// the largest, so that it is tried.
  package func ratio(rows: Int) -> Double {
    var (lower, upper, bound) = ((rows: 1, ratio: 1.0), (rows: 0, ratio: 0.0), Double.infinity)
    for measured in stride(from: Self.most, to: 1, by: -1) where ratios[measured] > 0 {
      bound = min(bound, ratios[measured])
      if measured >= rows {
        upper = (measured, bound)
      } else {
        lower = (measured, bound)
        break
      }
    }
    guard rows > 1 else { return 1 }
    guard upper.rows > 0 else { return lower.ratio }
    let share = Double(rows - lower.rows) / Double(upper.rows - lower.rows)
    return lower.ratio + share * (upper.ratio - lower.ratio)
  }
}
