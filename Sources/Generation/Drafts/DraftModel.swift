internal import Cascade
internal import Model

/// A second, smaller model that guesses what the model is about to say (Y. Leviathan et al., "Fast
/// inference from transformers via speculative decoding", ICML 2023).
///
/// It reads the same tokens into a cache of its own, as far back as its own window reaches, and only when it
/// is asked. Nobody depends on what it has read: a sequence that was taken for another reply is read
/// again.
///
/// Not thread-safe: the engine's compute thread owns it.
final class DraftModel {
  let model: LanguageModel
  /// Tokens back from the text's end that it reads at most.
  let reach: Int

  private let compute: Compute
  private let window: Window
  private let sinks: Int
  private let pool: KVBlockPool
  private let step: Step
  /// Its logits are those of the tokens given since `begin`, in order.
  let pass: ForwardPass
  private var sequences: [Sequence]
  /// Times that it caught up with a text, and how many there were when the round began.
  private var uses = 0
  private var roundBegan = 0

  /// What it has read of one reply's text.
  private final class Sequence {
    /// The reply's number; -1: nobody's.
    var owner = -1
    /// What was read, and the place of its first token in the text.
    var tokens: [TokenID] = []
    var start = 0
    /// Of them, those that are known to be the text's.
    var certain = 0
    /// Tokens of the text that it reads together with the last one.
    var pending: [TokenID] = []
    var working: WorkingMemory
    var lastUse = 0

    init(_ working: consuming WorkingMemory) { self.working = working }
  }

  /// The most tokens of a text that it sees at once, which bounds its cache where contexts are long.
  private static let longestWindow = 4096
  /// The most tokens that are read together with a text's last one.
  private static let mostPending = 15
  /// The most replies that it guesses for in one pass.
  private static let mostSequences = 8

  /// - Parameters:
  ///   - options: the engine's.
  ///   - contextLength: tokens that a sequence with a full window may come to hold.
  init(
    model: LanguageModel, compute: Compute, options: EngineOptions, contextLength: Int
  ) throws {
    self.model = model
    self.compute = compute
    let shape = model.shape
    let layout = KVLayout(
      layers: shape.layers, kvHeads: shape.kvHeads, headDimension: shape.headDimension,
      blockLength: options.blockLength, type: options.keyValueType)
    let largest = min(
      Self.longestWindow, shape.contextLength - options.sinks - options.blockLength)
    switch options.window {
    case .full where min(shape.contextLength, Self.longestWindow) >= contextLength: window = .full
    case .full: window = .sliding(tokens: largest)
    case .sliding(let tokens): window = .sliding(tokens: min(tokens, largest))
    }
    guard window == .full || largest >= 1 else {
      throw EngineError(
        .options,
        "\(model.file.name): a trained context of \(shape.contextLength) tokens is too short to draft with, "
          + "beside \(options.sinks) sinks and a block of \(options.blockLength); take another draft model."
      )
    }
    sinks = options.sinks
    if case .sliding(let tokens) = window { reach = tokens } else { reach = contextLength }

    let places = min(options.maxSequences, Self.mostSequences)
    let rows = max(options.prefillChunk, places)
    let blocks = WorkingMemory.blocks(
      window, capacity: contextLength, blockLength: layout.blockLength, stepTokens: rows)
    pool = try KVBlockPool(layout: layout, capacity: blocks * places)
    let cuts = window == .full ? 0 : 2 * rows / layout.blockLength
    step = try Step(
      maxRows: rows, maxLogitRows: places, maxSpans: (cuts + 2 * places) * (blocks + 2))
    pass = try ForwardPass(
      model: model, compute: compute, layout: layout, step: step,
      maxPositions: WorkingMemory.positions(
        window, sinks: sinks, capacity: contextLength, blockLength: layout.blockLength),
      isExact: options.isExact)
    sequences = []
    for _ in 0..<places {
      let sequence = Sequence(
        WorkingMemory(
          window: window, sinks: sinks, blockLength: layout.blockLength, capacity: contextLength,
          stepTokens: rows))
      sequence.tokens.reserveCapacity(contextLength)
      sequence.pending.reserveCapacity(Self.mostPending + 1)
      sequences.append(sequence)
    }
  }

  /// Bytes reserved for keys, values and work, beside the weights.
  var workspaceBytes: Int {
    pass.workspaceBytes + pool.capacity * pool.layout.blockByteCount
  }

  /// Drafts for another pass are about to be made.
  func beginRound() { roundBegan = uses }

  /// Whether it has a place for a reply that is in none of this round's others' way.
  func hasPlace(for owner: Int) -> Bool {
    sequences.contains { $0.owner == owner || $0.lastUse <= roundBegan }
  }

  /// Tokens of a text that it would have to read before it could guess.
  func arrears(of owner: Int, text count: Int) -> Int {
    let known = sequences.first { $0.owner == owner }.map { $0.start + $0.tokens.count } ?? 0
    return min(max(0, count - known), reach)
  }

  /// Reads what it has not read of a text, but for a few tokens that the first `give` reads, and takes back
  /// what has turned out not to belong to it.
  ///
  /// - Parameter text: all but the last token.
  /// - Returns: tokens read.
  func catchUp(_ owner: Int, with text: Span<TokenID>) -> Int {
    let place = place(of: owner)
    uses += 1
    sequences[place].lastUse = uses
    retract(place, to: text)
    let begun = sequences[place].start + sequences[place].tokens.count
    var at = begun
    // A few tokens are read with the last one: there is one left wherever a draft was right to its end.
    let few = min(Self.mostPending, step.maxRows / sequences.count - 1)
    while text.count - at > few {
      let end = min(at + step.maxRows, text.count)
      begin()
      step.nextIsPrompt = true
      for index in at..<end { sequences[place].tokens.append(text[index]) }
      give(text.extracting(at..<end), to: place, logits: 0)
      run()
      sequences[place].certain = sequences[place].tokens.count
      sequences[place].working.slide(in: pool)
      at = end
    }
    sequences[place].pending.removeAll(keepingCapacity: true)
    for index in at..<text.count { sequences[place].pending.append(text[index]) }
    return at - begun
  }

  /// A reply's sequence, or the one that was left alone for longest, which may begin like it.
  private func place(of owner: Int) -> Int {
    if let place = sequences.firstIndex(where: { $0.owner == owner }) { return place }
    let place = sequences.indices.min { sequences[$0].lastUse < sequences[$1].lastUse }!
    sequences[place].owner = owner
    sequences[place].certain = 0
    return place
  }

  /// Takes a sequence back to what it has in common with a text.
  private func retract(_ place: Int, to text: Span<TokenID>) {
    let (start, tokens) = (sequences[place].start, sequences[place].tokens.count)
    var common = sequences[place].certain
    while common < tokens, start + common < text.count,
      sequences[place].tokens[common] == text[start + common]
    { common += 1 }
    // Another reply's, whose beginning has left the window: it cannot be gone back to.
    let isLost = common < sequences[place].certain || common == 0
    let hasSlid = sequences[place].working.evicted > 0 && sequences[place].certain == 0
    if isLost || (hasSlid && common < tokens) || (start > 0 && sequences[place].certain == 0)
      || text.count - start - common > reach
    {
      sequences[place].working.removeAll(from: pool)
      sequences[place].tokens.removeAll(keepingCapacity: true)
      sequences[place].start = max(0, text.count - reach)
      sequences[place].certain = 0
      return
    }
    sequences[place].working.retract(to: common, in: pool)
    sequences[place].tokens.removeLast(tokens - common)
    sequences[place].certain = common
    sequences[place].working.slide(in: pool)
  }

  // MARK: - Passes

  func begin() {
    step.clear()
    positions = 0
  }

  /// Adds a reply's next token, whose successor is to be guessed.
  func give(_ token: TokenID, to owner: Int) {
    let place = sequences.firstIndex { $0.owner == owner }!
    sequences[place].pending.append(token)
    sequences[place].tokens.append(contentsOf: sequences[place].pending)
    do {
      let tokens = sequences[place].pending
      give(tokens.span, to: place, logits: 1)
    }
    sequences[place].pending.removeAll(keepingCapacity: true)
  }

  func run() {
    pass.prepare(positions: positions)
    pass.run()
  }

  private var positions = 0

  /// Adds tokens of a sequence, which have been noted, to the pass.
  private func give(_ tokens: Span<TokenID>, to place: Int, logits: Int) {
    let hasRoom = sequences[place].working.append(tokens, to: step, from: pool, logits: logits)
    precondition(hasRoom, "a draft outgrew the blocks set aside for it")
    positions = max(
      positions,
      WorkingMemory.positions(
        window, sinks: sinks, capacity: sequences[place].working.count,
        blockLength: pool.layout.blockLength))
  }

  // MARK: - The weights' memory

  func unload() { if model.isLoaded { model.unload() } }

  func reload() throws(ModelError) {
    if !model.isLoaded { try model.reload(compute: compute) }
  }
}
