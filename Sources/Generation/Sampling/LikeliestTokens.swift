internal import Glibc
package import Model

/// A token and the logarithm of its probability, in full precision: sums of many are compared.
package struct LikelyToken: Sendable, Equatable {
  package var token: TokenID
  package var logProbability: Double

  package init(token: TokenID, logProbability: Double) {
    self.token = token
    self.logProbability = logProbability
  }
}

/// The `count` likeliest tokens under the softmax of `logits`, likeliest first, lower ids first among
/// equals; fewer where no more are possible.
///
/// NaN counts as minus infinity. Where nothing is possible, the answer is token 0, as greedy decoding's
/// is, with minus infinity. O(vocabulary), for a `count` far below it.
package func likeliestTokens(in logits: Span<Float>, count: Int) -> [LikelyToken] {
  precondition(count > 0)
  let maximum = sanitised(largest(of: logits))
  guard maximum > -.infinity else { return [LikelyToken(token: 0, logProbability: -.infinity)] }
  var total = 0.0
  for index in logits.indices { total += Double(exp(sanitised(logits[index]) - maximum)) }
  let logTotal = log(total)

  var likeliest: [(logit: Float, token: TokenID)] = []
  likeliest.reserveCapacity(count + 1)
  var next = 0
  // Nearly no token is as likely as the last of the list, so most are passed over many at a time.
  while let index = firstIndex(
    in: logits, from: next,
    atLeast: likeliest.count < count ? -.greatestFiniteMagnitude : likeliest[count - 1].logit)
  {
    next = index + 1
    let (logit, token) = (sanitised(logits[index]), TokenID(index))
    let place = likeliest.firstIndex { precedes(logit, token, $0.logit, $0.token) }
    guard place != nil || likeliest.count < count else { continue }
    if likeliest.count == count { likeliest.removeLast() }
    likeliest.insert((logit, token), at: place ?? likeliest.count)
  }
  return likeliest.map {
    LikelyToken(token: $0.token, logProbability: Double($0.logit - maximum) - logTotal)
  }
}
