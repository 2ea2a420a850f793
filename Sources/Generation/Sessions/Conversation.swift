internal import Cascade
internal import Synchronization

/// A conversation that is kept: what was said is in the store when a reply has ended, and the next
/// process goes on from there.
///
///     let chat = try await engine.conversation(named: "garden")
///     for try await event in try chat.reply(to: "What grows in the shade?") { … }
///
/// A question and its reply are written together, after their keys and values: a process that ends in
/// the middle of a reply loses that exchange, and nothing else. One at a time has a session, and one
/// reply is made in it at a time.
public final class Conversation: Sendable {
  public let namespace: String
  /// How far recall may reach.
  public let scope: MemoryScope
  /// What memory knows the session by: the name that it began with.
  public let memoryName: String
  /// Whether the session was there before.
  public let isResumed: Bool

  let engine: Engine
  private let desk: SessionDesk
  private let id: Int64
  private let template: ChatTemplate
  /// Nil where the engine has no store.
  private let lock: SessionLock?
  private let state: Mutex<State>

  private struct State {
    var name: String
    var isReplying = false
    /// How the last reply was made; nil before the first one.
    var settings: SessionSettings?
    /// Where the seeds of replies come from.
    var draws: SeededGenerator
  }

  init(
    _ session: KeptSession, isResumed: Bool, engine: Engine, desk: SessionDesk,
    template: ChatTemplate, scope: MemoryScope
  ) throws(EngineError) {
    lock = try SessionLock.take(session, directory: desk.directory)
    namespace = session.namespace
    memoryName = session.memory
    id = session.id
    self.scope = scope
    self.isResumed = isResumed
    self.engine = engine
    self.desk = desk
    self.template = template
    let settings = try EngineError.aboutCatalog { () throws(CatalogError) in
      try desk.catalog.settings(of: session.id).flatMap(SessionSettings.init(encoded:))
    }
    state = Mutex(
      State(
        name: session.name, settings: settings,
        draws: settings?.draws ?? SeededGenerator(seed: .random(in: .min ... .max))))
  }

  public var name: String { state.withLock { $0.name } }

  /// How the last reply was made that is kept, in this process or an earlier one; nil when there is none.
  public var options: GenerationOptions? { state.withLock { $0.settings?.options } }

  /// All that was said, what the model is told to be first.
  public func messages() throws(EngineError) -> [ChatMessage] { try turns().map(\.message) }

  private func turns() throws(EngineError) -> [KeptTurn] { try desk.turns(of: id) }

  // MARK: - Replying

  /// Begins a reply to `text`. Nothing is computed until the stream is read.
  ///
  /// What was said is kept when the stream has ended, also when its reader was cancelled or has left:
  /// then as much as was read of it. An exchange in which nothing was said before that is not kept.
  ///
  /// - Parameters:
  ///   - options: as for ``Engine/stream(_:template:options:onPrefill:)``; nil: those of the last reply.
  ///     Of those of memory only `explains` counts. Without a seed the reply has one that is drawn for
  ///     it: a session's draws go on where they were, also in another process.
  ///   - onPrefill: see there.
  public func reply(
    to text: String, options: GenerationOptions? = nil,
    onPrefill: @escaping @Sendable (_ tokensRead: Int) -> Void = { _ in }
  ) throws(EngineError) -> TokenStream {
    try reply(to: text, behind: turns(), replacing: nil, options, onPrefill)
  }

  /// Begins another reply to the last question. The one that there was stays until this one has ended.
  public func regenerate(
    options: GenerationOptions? = nil,
    onPrefill: @escaping @Sendable (_ tokensRead: Int) -> Void = { _ in }
  ) throws(EngineError) -> TokenStream {
    let turns = try turns()
    guard let last = turns.lastIndex(where: { $0.message.role == .user }) else {
      throw EngineError(.session, "nothing was asked in the session \(name) yet; ask something.")
    }
    return try reply(
      to: turns[last].text, behind: Array(turns[..<last]), replacing: turns[last].number, options,
      onPrefill)
  }

  private func reply(
    to text: String, behind turns: [KeptTurn], replacing: Int?, _ given: GenerationOptions?,
    _ onPrefill: @escaping @Sendable (Int) -> Void
  ) throws(EngineError) -> TokenStream {
    let (isFree, drawn) = state.withLock { state in
      defer { state.isReplying = true }
      return (!state.isReplying, state.draws)
    }
    guard isFree else {
      throw EngineError(
        .busy, "a reply is in progress in the session \(name); read it to its end first.")
    }
    var draws = drawn
    var options = given ?? self.options ?? GenerationOptions()
    let seed = draws.next()
    let settings = SessionSettings(options, draws: draws)
    options.seed = options.seed ?? seed
    options.memory = MemoryOptions(
      scope: scope, namespace: namespace, session: memoryName, explains: options.memory.explains)
    do throws(EngineError) {
      let encoder = try engine.chatEncoder(template)
      let (tokens, sequence) = try prompt(asking: text, behind: turns, encoder)
      return try engine.stream(
        tokens, turnOf: encoder, behind: sequence, options: options,
        observer: ExchangeRecorder(
          of: self, question: text, replacing: replacing, settings: settings),
        onPrefill: onPrefill)
    } catch {
      endReplying()
      throw error
    }
  }

  /// The tokens of the whole conversation: what its turns have become when they were read and said, and
  /// the template's of what is new.
  private func prompt(
    asking text: String, behind turns: [KeptTurn], _ encoder: ChatEncoder
  ) throws(EngineError) -> (tokens: [TokenID], sequence: KeptSequence?) {
    let known = try EngineError.aboutCatalog { () throws(CatalogError) in
      try desk.catalog.sequence(of: id, through: turns.last?.number ?? 0)
    }
    guard let known, known.lastTurn > 0 else {
      return (encoder.tokens(of: turns.map(\.message) + [.user(text)]), nil)
    }
    let new = turns.filter { $0.number > known.lastTurn }.map(\.message) + [.user(text)]
    return (known.sequence.tokens + encoder.tokens(behindReply: new), known.sequence)
  }

  func endReplying() { state.withLock { $0.isReplying = false } }

  /// Keeps a question and its reply.
  fileprivate func keep(_ exchange: Exchange) throws(EngineError) {
    let isKept = try EngineError.aboutCatalog { () throws(CatalogError) in
      try desk.catalog.append(
        question: exchange.question, reply: exchange.reply, replacing: exchange.replacing,
        sequence: exchange.sequence, settings: exchange.settings.encoded(), to: id, at: desk.now())
    }
    guard isKept else { throw isGone }
    state.withLock { state in
      state.settings = exchange.settings
      state.draws = exchange.settings.draws
    }
  }

  private var isGone: EngineError {
    EngineError(.session, "the session \(name) was deleted meanwhile; begin another one.")
  }

  // MARK: - Changing

  /// Says what the model is to be, from the next reply on; nil: nothing in particular. All is then read
  /// anew.
  public func system(_ prompt: String?) throws(EngineError) {
    let isKept = try EngineError.aboutCatalog { () throws(CatalogError) in
      try desk.catalog.setInstructions(prompt, of: id, at: desk.now())
    }
    guard isKept else { throw isGone }
  }

  /// Takes the last question and its reply back. Their passages stay in memory, where other sessions of
  /// the namespace may recall them, until they are forgotten.
  ///
  /// - Returns: false when nothing was said yet.
  @discardableResult
  public func undo() throws(EngineError) -> Bool {
    try EngineError.aboutCatalog { () throws(CatalogError) in
      let isUndone = try desk.catalog.removeLastExchange(of: id)
      if isUndone { _ = try desk.catalog.purge() }
      return isUndone
    }
  }

  public func rename(to name: String) throws(EngineError) {
    try desk.rename(id, to: name, in: namespace)
    state.withLock { $0.name = name }
  }

  /// Begins another session that holds what was said in this one so far. What was read for this one need
  /// not be read again for it.
  public func fork(as name: String) throws(EngineError) -> Conversation {
    try Conversation(
      desk.fork(id, as: name, in: namespace), isResumed: true, engine: engine, desk: desk,
      template: template, scope: scope)
  }

  /// Deletes the session if nothing was said in it.
  public func discardIfEmpty() throws(EngineError) {
    guard try turns().isEmpty else { return }
    try EngineError.aboutCatalog { () throws(CatalogError) in try desk.catalog.delete(id) }
    lock?.remove()
  }
}

extension KeptTurn {
  var message: ChatMessage {
    ChatMessage(role: ChatMessage.Role(rawValue: role) ?? .user, content: text)
  }
}

/// A question and its reply, as they are kept.
private struct Exchange {
  let question: String
  let reply: String
  /// The question that it takes the place of; nil: it comes after all.
  let replacing: Int?
  let sequence: KeptSequence?
  let settings: SessionSettings
}

/// Follows a reply, and keeps the exchange when it ends.
private final class ExchangeRecorder: ReplyObserver {
  private let conversation: Conversation
  private let question: String
  private let replacing: Int?
  private let settings: SessionSettings
  /// What was said so far; nil once it was kept.
  private let said = Mutex<String?>("")

  init(
    of conversation: Conversation, question: String, replacing: Int?, settings: SessionSettings
  ) {
    self.conversation = conversation
    self.question = question
    self.replacing = replacing
    self.settings = settings
  }

  func note(_ event: GenerationEvent) throws(EngineError) {
    switch event {
    case .token(let token): said.withLock { $0?.append(token.text) }
    case .finished(let summary):
      said.withLock { $0?.append(summary.trailingText) }
      try end(summary.sequence, isWhole: summary.stopReason != .cancelled)
    }
  }

  func breakOff() {
    // Nobody is left to be told that it cannot be kept.
    try? end(nil, isWhole: false)
  }

  private func end(_ sequence: KeptSequence?, isWhole: Bool) throws(EngineError) {
    guard let reply = said.withLock({ $0.take() }) else { return }
    defer { conversation.endReplying() }
    guard isWhole || !reply.isEmpty else { return }
    try conversation.keep(
      Exchange(
        question: question, reply: reply, replacing: replacing, sequence: sequence,
        settings: settings))
  }
}
