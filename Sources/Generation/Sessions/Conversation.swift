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
    state = Mutex(State(name: session.name))
  }

  public var name: String { state.withLock { $0.name } }

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
  ///   - options: as for ``Engine/stream(_:template:options:onPrefill:)``. Of those of memory only
  ///     `explains` counts.
  ///   - onPrefill: see there.
  public func reply(
    to text: String, options: GenerationOptions = GenerationOptions(),
    onPrefill: @escaping @Sendable (_ tokensRead: Int) -> Void = { _ in }
  ) throws(EngineError) -> TokenStream {
    try reply(to: text, behind: turns(), replacing: nil, options, onPrefill)
  }

  /// Begins another reply to the last question. The one that there was stays until this one has ended.
  public func regenerate(
    options: GenerationOptions = GenerationOptions(),
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
    to text: String, behind turns: [KeptTurn], replacing: Int?, _ options: GenerationOptions,
    _ onPrefill: @escaping @Sendable (Int) -> Void
  ) throws(EngineError) -> TokenStream {
    var options = options
    options.memory = MemoryOptions(
      scope: scope, namespace: namespace, session: memoryName, explains: options.memory.explains)
    let isFree = state.withLock { state in
      defer { state.isReplying = true }
      return !state.isReplying
    }
    guard isFree else {
      throw EngineError(
        .busy, "a reply is in progress in the session \(name); read it to its end first.")
    }
    do throws(EngineError) {
      return try engine.stream(
        .chat(turns.map(\.message) + [.user(text)]), template: template, options: options,
        observer: ExchangeRecorder(of: self, question: text, replacing: replacing),
        onPrefill: onPrefill)
    } catch {
      endReplying()
      throw error
    }
  }

  func endReplying() { state.withLock { $0.isReplying = false } }

  /// Keeps a question and its reply.
  func keep(question: String, reply: String, replacing: Int?) throws(EngineError) {
    let isKept = try EngineError.aboutCatalog { () throws(CatalogError) in
      try desk.catalog.append(
        question: question, reply: reply, replacing: replacing, to: id, at: desk.now())
    }
    guard isKept else { throw isGone }
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

/// Follows a reply, and keeps the exchange when it ends.
private final class ExchangeRecorder: ReplyObserver {
  private let conversation: Conversation
  private let question: String
  private let replacing: Int?
  /// What was said so far; nil once it was kept.
  private let said = Mutex<String?>("")

  init(of conversation: Conversation, question: String, replacing: Int?) {
    self.conversation = conversation
    self.question = question
    self.replacing = replacing
  }

  func note(_ event: GenerationEvent) throws(EngineError) {
    switch event {
    case .token(let token): said.withLock { $0?.append(token.text) }
    case .finished(let summary):
      said.withLock { $0?.append(summary.trailingText) }
      try end(isWhole: summary.stopReason != .cancelled)
    }
  }

  func breakOff() {
    // Nobody is left to be told that it cannot be kept.
    try? end(isWhole: false)
  }

  private func end(isWhole: Bool) throws(EngineError) {
    guard let reply = said.withLock({ $0.take() }) else { return }
    defer { conversation.endReplying() }
    guard isWhole || !reply.isEmpty else { return }
    try conversation.keep(question: question, reply: reply, replacing: replacing)
  }
}
