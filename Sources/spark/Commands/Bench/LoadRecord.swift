/// What readers at once have seen; times are milliseconds.
struct LoadRecord: Encodable {
  struct Times: Encodable {
    var p50: Double
    var p95: Double
    var p99: Double
    var most: Double

    init(_ times: TimeHistogram) {
      (p50, p95, p99) = (times.percentile(0.5), times.percentile(0.95), times.percentile(0.99))
      most = times.most
    }

    var line: String {
      "\(p50.inTenths) / \(p95.inTenths) / \(p99.inTenths) ms, at most \(most.inTenths)"
    }
  }

  var model: String
  var streams: Int
  var seconds: Double
  var replies: Int
  var cancelled: Int
  var tokensPerSecond: Double
  var firstToken: Times
  var betweenTokens: Times
  var urgentFirstToken: Times
  var unloadedFirstToken: Times
  var resident: [Int]

  init(model: String, streams: Int, seconds: Double, _ report: LoadBench.Report) {
    self.model = model
    self.streams = streams
    self.seconds = seconds
    replies = report.replies
    cancelled = report.cancelled
    tokensPerSecond = Double(report.tokens) / seconds
    firstToken = Times(report.firstToken)
    betweenTokens = Times(report.gaps)
    urgentFirstToken = Times(report.urgentFirstToken)
    unloadedFirstToken = Times(report.unloadedFirstToken)
    resident = report.resident
  }

  var lines: String {
    """
    \(model): \(streams) readers for \(seconds.inTenths) s: \(replies) replies, \(cancelled) of them left, \
    \(tokensPerSecond.inTenths) tokens/s
    p50 / p95 / p99
    first token \(firstToken.line)
    between tokens \(betweenTokens.line)
    urgent first token \(urgentFirstToken.line); with nothing else \(unloadedFirstToken.line)
    in memory, tenth by tenth: \(resident.map { "\($0 >> 20)" }.joined(separator: " ")) MiB

    """
  }
}
