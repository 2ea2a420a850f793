import ArgumentParser

/// Whole numbers separated by commas, such as lengths; `k` stands for 1024.
struct NumberList: ExpressibleByArgument, Sendable {
  var values: [Int]

  init(_ values: [Int]) { self.values = values }

  init?(argument: String) {
    let words = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = words.compactMap { word in
      guard let last = word.last, last == "k" || last == "K" else { return Int(word) }
      return Int(word.dropLast()).flatMap { $0 <= 1 << 20 ? $0 * 1024 : nil }
    }
    guard values.count == words.count, values.allSatisfy({ $0 >= 0 }) else { return nil }
  }

  var defaultValueDescription: String { values.map { "\($0)" }.joined(separator: ",") }
}
