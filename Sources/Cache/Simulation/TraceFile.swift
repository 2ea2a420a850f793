/// The text form of a trace.
///
///     spark trace 1
///     # key weight cost [session]
///     17 65536 3.25 4
///     18 65536 3.5
///
/// The first line names the form. Each further line is a request: the key (0 to 2^64-1), the weight
/// in bytes (1 to 2^40), the cost in milliseconds (0 to 10^9, digits and a point), and the session's
/// number where there is one, apart by one space. Lines that begin with `#` and empty ones are
/// passed over. Lines end with a line feed, and are at most 200 bytes long.
package enum TraceFile {
  package static let header = "spark trace 1\n"
  fileprivate static let longestLine = 200
  fileprivate static let heaviest = 1 << 40
  fileprivate static let dearest = 1e9

  package static func line(for request: Trace.Request) -> String {
    let session = request.session.map { " \($0)" } ?? ""
    return "\(request.key) \(request.weight) \(request.cost)\(session)\n"
  }
}

/// What is wrong with a trace file.
package struct TraceFileError: Error, Equatable, CustomStringConvertible {
  /// Counted from 1.
  package let line: Int
  package let reason: String

  package var description: String { "line \(line) \(reason)." }
}

/// Reads a trace file piece by piece, wherever its bytes come from.
package struct TraceParser: Sendable {
  private var requests: [Trace.Request] = []
  private var weights: [UInt64: (weight: Int, line: Int)] = [:]
  private var pending: [UInt8] = []
  private var line = 1

  package init() {}

  /// Takes the next bytes of the file; a line may end in a later piece.
  package mutating func read(_ bytes: some Sequence<UInt8>) throws(TraceFileError) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        try endLine()
      } else {
        guard pending.count < TraceFile.longestLine else {
          throw fault("is longer than \(TraceFile.longestLine) bytes")
        }
        pending.append(byte)
      }
    }
  }

  /// The trace, once all bytes have been read.
  package mutating func finish(name: String) throws(TraceFileError) -> Trace {
    if !pending.isEmpty { try endLine() }
    guard line > 1 else { throw fault(Self.noHeader) }
    return Trace(name: name, requests: requests)
  }

  private static var noHeader: String {
    "is not \"\(TraceFile.header.dropLast())\"; this is not a trace file"
  }

  private func fault(_ reason: String) -> TraceFileError {
    TraceFileError(line: line, reason: reason)
  }

  private mutating func endLine() throws(TraceFileError) {
    defer {
      line += 1
      pending.removeAll(keepingCapacity: true)
    }
    if line == 1 {
      guard pending.elementsEqual(TraceFile.header.utf8.dropLast()) else {
        throw fault(Self.noHeader)
      }
      return
    }
    guard let first = pending.first, first != UInt8(ascii: "#") else { return }
    let request = try request()
    if let known = weights[request.key] {
      guard known.weight == request.weight else {
        throw fault(
          "gives key \(request.key) a weight of \(request.weight), "
            + "where line \(known.line) gave it \(known.weight)")
      }
    } else {
      weights[request.key] = (request.weight, line)
    }
    requests.append(request)
  }

  private func request() throws(TraceFileError) -> Trace.Request {
    let fields = pending.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard (3...4).contains(fields.count) else {
      throw fault(
        "has \(fields.count) fields; a request has key, weight, cost, and a session or not")
    }
    guard let key = UInt64(fields[0]) else {
      throw fault("has the key \"\(fields[0])\"; it must be a whole number of 64 bits")
    }
    guard let weight = Int(fields[1]), (1...TraceFile.heaviest).contains(weight) else {
      throw fault("has the weight \"\(fields[1])\"; it must be 1 to \(TraceFile.heaviest) bytes")
    }
    guard let cost = Double(fields[2]), (0...TraceFile.dearest).contains(cost) else {
      throw fault("has the cost \"\(fields[2])\"; it must be 0 to 1000000000 milliseconds")
    }
    guard fields.count == 4 else {
      return Trace.Request(key: key, weight: weight, cost: cost)
    }
    guard let session = UInt32(fields[3]) else {
      throw fault("has the session \"\(fields[3])\"; it must be a whole number of 32 bits")
    }
    return Trace.Request(key: key, weight: weight, cost: cost, session: session)
  }
}
