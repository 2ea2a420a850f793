import Generation

extension MemoryAccount {
  /// What of a reply's memory did not go as it should have, a sentence each.
  var notices: [String] {
    var notices: [String] = []
    if let reason = reasonForRereading {
      notices.append(
        "\(reread.inTokens) of this session had to be read again from the text: \(reason)")
    }
    if let reason = reasonForDropping {
      notices.append("\(dropped.inTokens) will not be remembered: \(reason)")
    }
    return notices
  }
}
