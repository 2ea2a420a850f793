/// Renders tokens as they come, one at a time; together that is what `Tokenizer.decode` says.
///
/// The bytes of one token need not be whole characters: whoever shows them holds back the rest.
public struct Detokenizer: Sendable {
  private let tokenizer: Tokenizer
  private let includingSpecial: Bool
  /// Whether the next space is the one that the model reads before every text.
  private var dropsSpace: Bool

  /// - Parameter continuing: Whether text stands before the first token. Otherwise the text begins
  ///   there, and SentencePiece's space before it is dropped.
  public init(_ tokenizer: Tokenizer, continuing: Bool = false, includingSpecial: Bool = false) {
    self.tokenizer = tokenizer
    self.includingSpecial = includingSpecial
    dropsSpace = tokenizer.addsSpacePrefix && !continuing
  }

  /// Appends the bytes of the next token. Nothing is allocated while `text` has room.
  public mutating func append(_ token: TokenID, to text: inout [UInt8]) {
    let isFirstText = dropsSpace && !tokenizer.isHidden(token)
    tokenizer.withPiece(of: token, includingSpecial: includingSpecial) { piece in
      let dropsFirst = isFirstText && !piece.isEmpty && piece[0] == 0x20
      text.append(copying: piece.extracting((dropsFirst ? 1 : 0)...))
    }
    if isFirstText { dropsSpace = false }
  }
}
