/// A list of processors in the kernel's notation, such as `0-3,8`.
struct CPUList: CustomStringConvertible {
  /// In increasing order, each once.
  private(set) var processors: [Int]

  init(_ processors: [Int]) { self.processors = Set(processors).sorted() }

  init?(_ text: String) {
    var numbers: [Int] = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
        Int($0.trimmed)
      }
      switch ends.count {
      case 1:
        guard let only = ends[0], (0..<65536).contains(only) else { return nil }
        numbers.append(only)
      case 2:
        guard let low = ends[0], let high = ends[1], 0 <= low, low <= high, high < 65536
        else { return nil }
        numbers.append(contentsOf: low...high)
      default: return nil
      }
      // Ranges that overlap could otherwise grow without bound.
      guard numbers.count <= 1 << 17 else { return nil }
    }
    guard !numbers.isEmpty else { return nil }
    self.init(numbers)
  }

  var description: String {
    var ranges: [ClosedRange<Int>] = []
    for number in processors {
      if let last = ranges.last, last.upperBound == number - 1 {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }
}
