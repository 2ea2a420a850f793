package import Model

/// Finds out whether a text repeats itself, token by token.
///
/// A text loops with period p at its last token when its last n tokens are each the same as the one p before,
/// and n + p, the loop's extent, is at least r·p and at least m: the same p tokens have come r times or more,
/// in m tokens or more. That is exact: every loop with a period of at most `longest` is found at its first token
/// that makes it one, with its smallest period, and nothing else is.
///
/// For each period the length of the run, n, is kept: a token adds one to the runs of the periods at which it
/// stood before, and ends the others, sixteen at a time. That is a fixed number of operations for each token, 16
/// vectors of 16 for the default of 256, however long the text is. (Only the runs are kept, and no positions,
/// so there is nothing to make up for when a run ends, as there is with borders or suffix links, where the cost
/// is constant only on average.) Nothing is allocated.
package struct LoopDetector: Sendable {
  /// What a text repeats.
  package struct Loop: Sendable, Equatable {
    /// The least number of tokens that come again.
    package var period: Int
    /// Tokens of all repetitions, the last one perhaps not whole.
    package var tokens: Int

    package init(period: Int, tokens: Int) {
      self.period = period
      self.tokens = tokens
    }
  }

  private typealias Lanes = SIMD16<Int32>

  private let longest: Int
  /// The latest tokens, the last one first, from `start` on; -1 where there are none yet. It moves down the
  /// array, so that the tokens 1, 2, … back always lie side by side.
  private var latest: [TokenID]
  private var start: Int
  /// [longest / 16] runs of period 1, 2, ….
  private var runs: [Lanes]
  /// What the runs must come to.
  private let enough: [Lanes]

  package init(_ options: QualityOptions = QualityOptions()) {
    longest = options.longestPeriod
    precondition(
      longest > 0 && longest % Lanes.scalarCount == 0, "periods of up to \(longest) tokens")
    latest = Array(repeating: -1, count: 8 * longest)
    start = latest.count - longest
    runs = Array(repeating: .zero, count: longest / Lanes.scalarCount)
    enough = runs.indices.map { place in
      var lanes = Lanes()
      for lane in 0..<Lanes.scalarCount {
        let period = place * Lanes.scalarCount + lane + 1
        lanes[lane] = Int32(
          max(1, (options.repetitions - 1) * period, options.leastLoop - period))
      }
      return lanes
    }
  }

  /// Takes note of the text's next token.
  ///
  /// - Returns: the loop that it is in now; nil when it is in none.
  package mutating func note(_ token: TokenID) -> Loop? {
    // Taken out, as the tokens are read meanwhile.
    var taken: [Lanes] = []
    swap(&taken, &runs)
    let isLoop = Self.extend(
      &taken, with: token, behind: latest.span.extracting(start..<start + longest), enough: enough)
    swap(&taken, &runs)
    push(token)
    return isLoop ? loop : nil
  }

  /// Goes on with the runs, or ends them.
  ///
  /// - Parameter latest: the tokens before, the last one first.
  /// - Returns: whether one has come to enough.
  private static func extend(
    _ runs: inout [Lanes], with token: TokenID, behind latest: Span<TokenID>, enough: [Lanes]
  ) -> Bool {
    let wanted = Lanes(repeating: token)
    var isEnough = false
    unsafe latest.withUnsafeBytes { bytes in
      for place in runs.indices {
        let before = unsafe bytes.loadUnaligned(
          fromByteOffset: place * MemoryLayout<Lanes>.size, as: Lanes.self)
        let run = (runs[place] &+ 1).replacing(with: 0, where: before .!= wanted)
        runs[place] = run
        if any(run .>= enough[place]) { isEnough = true }
      }
    }
    return isEnough
  }

  /// The loop with the smallest period.
  private var loop: Loop? {
    for period in 1...longest {
      let (place, lane) = (period - 1).quotientAndRemainder(dividingBy: Lanes.scalarCount)
      if runs[place][lane] >= enough[place][lane] {
        return Loop(period: period, tokens: Int(runs[place][lane]) + period)
      }
    }
    return nil
  }

  private mutating func push(_ token: TokenID) {
    if start == 0 {
      start = latest.count - longest
      for place in 0..<longest { latest[start + place] = latest[place] }
    }
    start -= 1
    latest[start] = token
  }
}
