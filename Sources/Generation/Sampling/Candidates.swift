import Glibc
package import Model

/// The tokens that may still be drawn: parallel flat arrays allocated once, of which the first
/// `count` elements are live.
///
/// A step begins `isDense`: every token of the vocabulary, token `t` at index `t`. While it is,
/// a token's logit is found by its id; the first step that drops or reorders ends that.
///
/// Invariants, for all live elements: no logit is NaN or plus infinity (minus infinity is banned);
/// ids are distinct; `isSorted` means larger logits first and lower ids first among equals. That
/// order is total, so results never depend on how a selection was made.
package struct Candidates: Sendable {
  private var ids: [TokenID]
  private var logits: [Float]
  /// Valid after `softmax()`, until the next change.
  private var probabilities: [Float]
  package private(set) var count = 0
  package private(set) var isSorted = false
  /// `ids[i] == i` for all `i` from here on, so that a reset need only repair what is before.
  private var firstIntactID = 0

  /// Room for `vocabularySize` tokens; holds none until `reset(to:)`.
  package init(vocabularySize: Int) {
    ids = (0..<TokenID(vocabularySize)).map { $0 }
    logits = [Float](repeating: 0, count: vocabularySize)
    probabilities = [Float](repeating: 0, count: vocabularySize)
  }

  package var vocabularySize: Int { ids.count }

  /// Whether token `t` is at index `t`, for the whole vocabulary.
  package var isDense: Bool { count == vocabularySize && firstIntactID == 0 }

  package func id(_ index: Int) -> TokenID { ids[index] }
  package func logit(_ index: Int) -> Float { logits[index] }
  package func probability(_ index: Int) -> Float { probabilities[index] }
}

// MARK: - The dense stage

extension Candidates {
  /// Takes every token of the vocabulary with these logits; NaN counts as minus infinity.
  package mutating func reset(to newLogits: Span<Float>) {
    precondition(
      newLogits.count == vocabularySize,
      "\(newLogits.count) logits for a vocabulary of \(vocabularySize)")
    for index in 0..<firstIntactID { ids[index] = TokenID(index) }
    sanitise(newLogits, into: &logits)
    count = vocabularySize
    firstIntactID = 0
    isSorted = false
  }

  /// The logit of a token, while dense.
  package subscript(token token: TokenID) -> Float {
    get {
      assert(isDense)
      return logits[Int(token)]
    }
    set {
      assert(isDense)
      logits[Int(token)] = sanitised(newValue)
      isSorted = false
    }
  }
}

/// Fills `result` from logits of the same count.
private func sanitise(_ logits: Span<Float>, into result: inout [Float]) {
  var result = result.mutableSpan
  for index in logits.indices { result[index] = sanitised(logits[index]) }
}

/// A logit that arithmetic is safe with: NaN becomes minus infinity, plus infinity the largest
/// finite number.
@inline(__always)
func sanitised(_ logit: Float) -> Float {
  let capped = logit > .greatestFiniteMagnitude ? .greatestFiniteMagnitude : logit
  return capped == capped ? capped : -.infinity
}

// MARK: - Reading

extension Candidates {
  /// The index of the first candidate in sorted order.
  package var best: Int {
    if isSorted { return 0 }
    var best = 0
    for index in 1..<max(1, count)
    where precedes(logits[index], ids[index], logits[best], ids[best]) {
      best = index
    }
    return best
  }

  /// The likeliest live candidates, at most `limit` of them; see ``likeliestTokens(in:count:)``. While
  /// dense.
  package func likeliest(_ limit: Int) -> [LikelyToken] {
    assert(isDense)
    return likeliestTokens(in: logits.span, count: limit)
  }

  /// The largest logit; minus infinity when every candidate is banned.
  package var largestLogit: Float {
    isSorted ? logits[0] : largest(of: logits.span.extracting(first: count))
  }

  /// The standard deviation of the logits that are not banned; `nil` if all are.
  package var logitDeviation: Double? {
    standardDeviation(of: logits.span.extracting(first: count), from: largestLogit)
  }

  /// Computes the live candidates' probabilities.
  ///
  /// When every one is banned, all of the probability goes to the lowest id.
  package mutating func softmax() {
    let largest = largestLogit
    guard largest > -.infinity else {
      let lowest = best
      for index in 0..<count { probabilities[index] = index == lowest ? 1 : 0 }
      return
    }
    var total = 0.0
    for index in 0..<count {
      let weight = exp(logits[index] - largest)
      probabilities[index] = weight
      total += Double(weight)
    }
    let scale = Float(1 / total)
    for index in 0..<count { probabilities[index] *= scale }
  }
}

// MARK: - Truncating and scaling

extension Candidates {
  /// Replaces each logit `x` by `(x - largest) / temperature`, which cannot overflow upwards.
  package mutating func divide(by temperature: Float) {
    let largest = largestLogit
    guard largest > -.infinity else { return }
    for index in 0..<count { logits[index] = (logits[index] - largest) / temperature }
  }

  /// Keeps the `k` first in sorted order, sorted; changes nothing if there are no more than that.
  ///
  /// O(count) with a small factor while `k` is small: one comparison for nearly every candidate.
  package mutating func keepTop(_ k: Int) {
    precondition(k > 0, "cannot keep \(k) candidates")
    guard k < count else { return }
    if !isSorted {
      CandidateHeap.keepTop(k, of: count, keys: &logits, ids: &ids, companions: &probabilities)
      firstIntactID = max(firstIntactID, k)
      isSorted = true
    }
    count = k
  }

  /// Keeps the smallest set of the likeliest candidates whose probability reaches `mass`, and at
  /// least `minKeep` of them, sorted. Expects `softmax()` to be current.
  package mutating func keepLikeliest(mass: Float, minKeep: Int) {
    if isSorted {
      var total = 0.0
      for index in 0..<count {
        total += Double(probabilities[index])
        if total >= Double(mass) && index + 1 >= minKeep {
          count = index + 1
          return
        }
      }
      return
    }
    dropTail(of: (1 - mass) / 2, minKeep: minKeep)
    let kept = CandidateHeap.keepFirst(
      of: count, keys: &logits, ids: &ids, companions: &probabilities, minKeep: minKeep, limit: mass
    ) { probability in Double(probability) }
    firstIntactID = max(firstIntactID, count)
    count = kept
    isSorted = true
  }

  /// Drops the least likely candidates, of `mass` together at most, which saves sorting them: all
  /// those less likely than `mass` shared by everyone. Nothing is dropped if fewer than `minKeep`
  /// would remain.
  private mutating func dropTail(of mass: Float, minKeep: Int) {
    let threshold = mass / Float(count)
    let kept = countOfValues(in: probabilities.span.extracting(first: count), atLeast: threshold)
    if kept >= minKeep { compact { _, probability in probability >= threshold } }
  }

  /// Keeps the smallest set of candidates closest to `-log p = entropy` whose probability reaches
  /// `mass`, and at least `minKeep` of them, closest first. Expects `softmax()` to be current.
  package mutating func keepMostTypical(mass: Float, minKeep: Int) {
    let largest = largestLogit
    guard largest > -.infinity else { return }
    // -log p = logTotal - logit, finite even where p has become 0.
    var total = 0.0
    var entropy = 0.0
    for index in 0..<count { total += exp(Double(logits[index] - largest)) }
    let logTotal = Double(largest) + log(total)
    for index in 0..<count where probabilities[index] > 0 {
      entropy += Double(probabilities[index]) * (logTotal - Double(logits[index]))
    }
    // The distance, negated because the heap yields the largest key first, takes the place of the
    // probability, which the logit gives back.
    for index in 0..<count {
      probabilities[index] = -Float(abs(logTotal - Double(logits[index]) - entropy))
    }
    let kept = CandidateHeap.keepFirst(
      of: count, keys: &probabilities, ids: &ids, companions: &logits, minKeep: minKeep, limit: mass
    ) { logit in exp(Double(logit) - logTotal) }
    firstIntactID = max(firstIntactID, count)
    count = kept
    isSorted = false
  }

  /// Keeps candidates with at least this logit, in their order; if those are fewer than `minKeep`,
  /// the `minKeep` first in sorted order.
  package mutating func keep(logitAtLeast threshold: Float, minKeep: Int) {
    let kept = countOfValues(in: logits.span.extracting(first: count), atLeast: threshold)
    guard kept >= minKeep else { return keepTop(minKeep) }
    guard kept < count else { return }
    compact { logit, _ in logit >= threshold }
  }

  /// Removes all candidates whose probability is at least `threshold`, except the last of them in
  /// sorted order. Nothing is removed if fewer than `minKeep` would remain. Expects `softmax()`
  /// to be current.
  package mutating func removeTopChoices(threshold: Float, minKeep: Int) {
    var choices = 0
    var last = 0
    for index in 0..<count where probabilities[index] >= threshold {
      if choices == 0 || precedes(logits[last], ids[last], logits[index], ids[index]) {
        last = index
      }
      choices += 1
    }
    guard choices > 1, count - (choices - 1) >= minKeep else { return }
    // Marked as unlikely, so that it is the one choice to stay.
    probabilities[last] = -1
    compact { _, probability in probability < threshold }
  }

  /// Keeps what `isKept(logit, probability)` says, in its order.
  @inline(__always)
  private mutating func compact(_ isKept: (Float, Float) -> Bool) {
    var kept = 0
    for index in 0..<count where isKept(logits[index], probabilities[index]) {
      if kept != index {
        ids[kept] = ids[index]
        logits[kept] = logits[index]
        probabilities[kept] = probabilities[index]
      }
      kept += 1
    }
    firstIntactID = max(firstIntactID, kept)
    count = kept
  }
}

// MARK: - Drawing

extension Candidates {
  /// The candidate at `position`, 0..<1, of the cumulative distribution in the present order.
  package mutating func draw(at position: Double) -> TokenID {
    softmax()
    var total = 0.0
    for index in 0..<count { total += Double(probabilities[index]) }
    // What rounding leaves past the end goes to the last candidate that is possible at all.
    var chosen = 0
    var reached = 0.0
    for index in 0..<count where probabilities[index] > 0 {
      reached += Double(probabilities[index])
      chosen = index
      if reached > position * total { break }
    }
    return ids[chosen]
  }
}

/// Whether one candidate comes before another: larger logit, or the same and lower id.
@inline(__always)
package func precedes(_ a: Float, _ idA: TokenID, _ b: Float, _ idB: TokenID) -> Bool {
  a > b || (a == b && idA < idB)
}
