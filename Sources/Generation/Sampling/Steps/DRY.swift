import Glibc
import Model

/// Don't Repeat Yourself: makes a token less likely the longer the repetition it would continue.
///
/// If the last `n` tokens occurred before and were then followed by token `t`, `t` would make it
/// `n + 1`. For the largest such `n` that is at least the allowed length:
///
///     logit(t) -= multiplier · base^(n - allowed)
///
/// A repetition does not reach across a sequence breaker, and a token that is a breaker by itself
/// is not penalised. Source: p-e-w, text-generation-webui pull request 5677 (2024); llama.cpp's
/// semantics.
package struct DRY: SamplingStep {
  private let multiplier: Float
  private let base: Float
  private let allowed: Int
  private let window: Int
  private let breakers: SequenceBreakers

  // Room for one step. `recent` is the window, newest first; `matched[k]` how many tokens from
  // `recent[k]` on equal those from `recent[0]` on; `longest` by token the longest repetition that
  // it would continue, 0 between steps; `continuing` the tokens where that is not 0.
  private var recent: [TokenID]
  private var matched: [Int32]
  private var longest: [Int32]
  private var continuing: [TokenID]

  /// - Parameter contextLength: The window, where the options say the whole context.
  package init(
    _ options: SamplingOptions, breakers: SequenceBreakers, vocabularySize: Int, contextLength: Int
  ) {
    multiplier = options.dryMultiplier
    base = options.dryBase
    allowed = options.dryAllowedLength
    let window = options.dryPenaltyLastN < 0 ? contextLength : options.dryPenaltyLastN
    let isOff = multiplier == 0 || window == 0
    self.window = isOff ? 0 : window
    self.breakers = breakers
    recent = [TokenID](repeating: 0, count: self.window)
    matched = [Int32](repeating: 0, count: self.window)
    longest = [Int32](repeating: 0, count: isOff ? 0 : vocabularySize)
    continuing = [TokenID](repeating: 0, count: self.window)
  }

  package var isOff: Bool { window == 0 }

  /// How many tokens of history it needs.
  package var historyLength: Int { window }

  package mutating func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    let count = min(window, context.history.count)
    for back in 0..<count { recent[back] = context.history[back: back] }
    let reach = breakers.distance(in: recent.span.extracting(first: count))
    guard reach >= allowed else { return }
    match(count)

    var found = 0
    for start in 1..<count {
      let length = min(Int(matched[start]), reach)
      if length < allowed { continue }
      let next = recent[start - 1]
      if longest[Int(next)] == 0 {
        continuing[found] = next
        found += 1
      }
      longest[Int(next)] = max(longest[Int(next)], Int32(length))
    }
    for index in 0..<found {
      let token = continuing[index]
      let length = Int(longest[Int(token)])
      longest[Int(token)] = 0
      if breakers.isBreaker(token) { continue }
      // An endless repetition makes its continuation a last resort, not a forbidden one.
      let penalty = min(multiplier * pow(base, Float(length - allowed)), 1e30)
      candidates[token: token] -= penalty
    }
  }

  /// Fills `matched[1..<count]`: the Z-algorithm, linear in `count` (D. Gusfield, "Algorithms on
  /// Strings, Trees, and Sequences", 1997, §1.3).
  private mutating func match(_ count: Int) {
    // The match that reaches furthest covers left..<right, and equals 0..<right - left.
    var (left, right) = (0, 0)
    for start in 1..<max(1, count) {
      var length = start < right ? min(right - start, Int(matched[start - left])) : 0
      while start + length < count && recent[length] == recent[start + length] { length += 1 }
      if start + length > right { (left, right) = (start, start + length) }
      matched[start] = Int32(length)
    }
  }
}
