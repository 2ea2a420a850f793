/// What a cache kept of a trace's requests.
package struct Score: Sendable, Equatable {
  /// Requests, their bytes and their milliseconds; of all, and of those that were hits. An upper
  /// bound may count a fraction of a request.
  package struct Sum: Sendable, Equatable {
    package var requests = 0.0
    package var bytes = 0.0
    package var milliseconds = 0.0

    package static func += (sum: inout Sum, request: Trace.Request) {
      sum.requests += 1
      sum.bytes += Double(request.weight)
      sum.milliseconds += request.cost
    }
  }

  package var total = Sum()
  package var hits = Sum()

  package subscript(metric: Metric) -> Double {
    let part = hits[keyPath: metric.path]
    return part == 0 ? 0 : part / total[keyPath: metric.path]
  }
}

/// By what a hit ratio counts, as a share of all requests' sum.
package enum Metric: String, Sendable, CaseIterable {
  case requests
  case bytes
  /// Of the work that a cache could save.
  case milliseconds

  var path: WritableKeyPath<Score.Sum, Double> {
    switch self {
    case .requests: \.requests
    case .bytes: \.bytes
    case .milliseconds: \.milliseconds
    }
  }
}
