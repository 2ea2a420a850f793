/// Ids of passages as people write them: the first of their hexadecimal digits, as many as it takes.
package enum PassageID {
  /// The fewest digits that name a passage.
  package static let leastDigits = 6

  /// The one of `ids` that begins with `digits`.
  ///
  /// - Throws: ``EngineError/Code/memory`` when there is none or several, or when they are no digits.
  package static func find(
    _ digits: String, among ids: [String], in namespace: String
  ) throws(EngineError) -> Int {
    let wanted = digits.lowercased()
    guard wanted.utf8.count >= leastDigits, wanted.allSatisfy({ $0.isASCII && $0.isHexDigit })
    else {
      throw EngineError(
        .memory,
        "\"\(digits)\" is no passage's id; give at least its first \(leastDigits) hexadecimal digits."
      )
    }
    let found = ids.indices.filter { ids[$0].hasPrefix(wanted) }
    switch found.count {
    case 1: return found[0]
    case 0:
      throw EngineError(
        .memory,
        "no passage in the namespace \(namespace) has the id \(digits); search for it to see its id."
      )
    default:
      let some = found.prefix(4).map { ids[$0].prefix(wanted.count + 6) }
      throw EngineError(
        .memory,
        "\(found.count) passages in the namespace \(namespace) have ids that begin with \(digits), such "
          + "as \(some.joined(separator: " and ")); give more digits.")
    }
  }
}
