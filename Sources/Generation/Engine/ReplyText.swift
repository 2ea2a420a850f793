internal import Model

/// The text of one reply as its tokens come: rendered, cut at whole characters, watched for stop
/// strings.
struct ReplyText {
  private var detokenizer: Detokenizer
  private var emitter: TextEmitter
  private var piece: [UInt8] = []
  private var shown: [UInt8] = []

  /// Longer than any token's bytes, so that buffers never grow.
  private static let longestPiece = 1024

  /// - Parameter continuing: whether the reply goes on from text rather than beginning a turn.
  init(tokenizer: Tokenizer, continuing: Bool, stopStrings: [String]) {
    detokenizer = Detokenizer(tokenizer, continuing: continuing)
    emitter = TextEmitter(stopStrings: stopStrings)
    piece.reserveCapacity(Self.longestPiece)
    shown.reserveCapacity(2 * Self.longestPiece)
  }

  /// Whether a stop string has appeared.
  var hasStopped: Bool { emitter.stop != nil }

  /// The text that `token` lets be shown.
  mutating func append(_ token: TokenID) -> String {
    shown.removeAll(keepingCapacity: true)
    Self.take(token, &detokenizer, &piece, &emitter, &shown)
    return String(decoding: shown, as: UTF8.self)
  }

  /// The same for the reply's last token: with it goes what was held back.
  mutating func appendLast(_ token: TokenID) -> String {
    shown.removeAll(keepingCapacity: true)
    Self.take(token, &detokenizer, &piece, &emitter, &shown)
    emitter.finish(to: &shown)
    return String(decoding: shown, as: UTF8.self)
  }

  /// What was held back, when the last token has no text of its own.
  mutating func finish() -> String {
    shown.removeAll(keepingCapacity: true)
    emitter.finish(to: &shown)
    return String(decoding: shown, as: UTF8.self)
  }

  /// Static, so that the parts are borrowed one by one.
  private static func take(
    _ token: TokenID, _ detokenizer: inout Detokenizer, _ piece: inout [UInt8],
    _ emitter: inout TextEmitter, _ shown: inout [UInt8]
  ) {
    piece.removeAll(keepingCapacity: true)
    detokenizer.append(token, to: &piece)
    emitter.append(piece.span, to: &shown)
  }
}
