/// Turns the bytes of tokens, as they come, into the text that may be shown now.
///
/// What it passes on is always whole UTF-8 scalars, is never part of a stop string, and is never
/// taken back: the pieces joined are byte for byte the text of the whole reply, however it was cut
/// into tokens. It holds back an unfinished scalar, and an ending that a stop string may begin
/// with. A reply that ends within a scalar loses that scalar.
///
///     var emitter = TextEmitter(stopStrings: ["\n\n"])
///     emitter.append(piece, to: &text)      // for each token, until `stop` is set
///     emitter.finish(to: &text)
///
/// Allocates nothing but what `text` needs, once its own buffer has grown to the longest token.
public struct TextEmitter: Sendable {
  private let stopStrings: [String]
  private var assembler = UTF8Assembler()
  private var matcher: StopMatcher
  /// What the assembler passes to the matcher.
  private var assembled: [UInt8] = []

  /// - Parameter stopStrings: Texts that end the reply; empty ones are ignored.
  public init(stopStrings: [String] = []) {
    self.stopStrings = stopStrings.filter { !$0.isEmpty }
    matcher = StopMatcher(self.stopStrings)
    assembled.reserveCapacity(256)
  }

  /// The stop string that ended the text. Where several end at one place, the longest of them.
  public var stop: String? { matcher.match.map { stopStrings[$0] } }

  /// Whether something is held back.
  public var isHolding: Bool { assembler.isMidScalar || (stop == nil && matcher.heldCount > 0) }

  /// Takes a token's bytes and appends to `output` what may be shown; nothing once `stop` is set.
  public mutating func append(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
    if matcher.match != nil { return }
    if matcher.isEmpty { return assembler.append(bytes, to: &output) }
    assembled.removeAll(keepingCapacity: true)
    assembler.append(bytes, to: &assembled)
    matcher.append(assembled, to: &output)
  }

  /// Ends the text: appends to `output` the beginning of a stop string that did not come, and drops
  /// the beginning of a scalar that did not.
  public mutating func finish(to output: inout [UInt8]) {
    matcher.flush(to: &output)
    assembler.dropIncomplete()
  }

  /// The text of a whole reply at once: what streaming it would give.
  public static func text(of bytes: Span<UInt8>, stopStrings: [String] = []) -> String {
    var emitter = TextEmitter(stopStrings: stopStrings)
    var output: [UInt8] = []
    emitter.append(bytes, to: &output)
    emitter.finish(to: &output)
    return String(decoding: output, as: UTF8.self)
  }
}
