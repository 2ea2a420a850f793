/// Frames that somebody wants in L1, in the order in which they were asked for.
struct PromotionQueue: Sendable {
  struct Request: Sendable {
    var key: FrameKey
    /// Nanoseconds of the store's clock after which nobody waits for it; nil: never.
    var deadline: UInt64?
  }

  private var requests: [Request] = []
  private var head = 0

  var isEmpty: Bool { head == requests.count }

  mutating func append(_ request: Request) { requests.append(request) }

  func first() -> Request? { isEmpty ? nil : requests[head] }

  mutating func removeFirst() {
    head += 1
    if head == requests.count {
      requests.removeAll(keepingCapacity: true)
      head = 0
    } else if head > 1024, head * 2 > requests.count {
      requests.removeFirst(head)
      head = 0
    }
  }
}
