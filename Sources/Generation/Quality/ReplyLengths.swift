/// How long a model's replies are that it ends by itself: the latest of them.
package struct ReplyLengths: Sendable {
  private static let most = 64

  private let options: QualityOptions
  /// A ring.
  private var latest: [Int] = []
  private var next = 0

  package init(_ options: QualityOptions = QualityOptions()) {
    self.options = options
    latest.reserveCapacity(Self.most)
  }

  /// A reply was ended by the model.
  package mutating func note(_ tokens: Int) {
    if latest.count < Self.most {
      latest.append(tokens)
    } else {
      latest[next] = tokens
    }
    next = (next + 1) % Self.most
  }

  /// Tokens beyond which a reply is endless; nil as long as there are too few to tell.
  package var limit: Int? {
    guard latest.count >= max(1, options.leastReplies) else { return nil }
    let median = latest.sorted()[latest.count / 2]
    return max(options.leastLength, options.lengthFactor * median)
  }
}
