internal import Cache
internal import Cascade

extension Engine {
  /// Goes on with a conversation that is kept, or begins it.
  ///
  /// - Parameters:
  ///   - name: the session's; nil: a new one, named after the day.
  ///   - template: how it is written; nil: as the model's own template has it.
  ///   - scope: how far recall may reach.
  ///   - rereading: whether a session that was held with another model or template goes on with this
  ///     one: all that was said is then read again from its text.
  /// - Throws: ``EngineError/Code/session`` when another process or conversation has it, or it was
  ///   held with another model or template; ``EngineError/Code/memory`` when the store cannot be used.
  public func conversation(
    named name: String? = nil, namespace: String = "default", template: ChatTemplate? = nil,
    scope: MemoryScope = .namespace, rereading: Bool = false
  ) async throws(EngineError) -> Conversation {
    try SessionNames.check(name ?? "-", namespace: namespace)
    guard let template = template ?? chatTemplate else {
      throw EngineError(
        .prompt,
        "\(model.name): its chat template is not one that Spark knows; choose one by name, such as "
          + "the template chatml.")
    }
    let desk = try await core.sessionDesk()
    let digest = await core.modelDigest
    let new = NewSession(
      namespace: namespace, name: "", model: BlockIdentity(high: digest.high, low: digest.low),
      modelName: model.name, template: template.name, created: desk.now())
    // Another process may begin or delete it at the same time.
    let begun = try desk.begin(new, named: name)
    let session = if let begun { begun } else { try desk.session(name ?? "", in: namespace) }
    let mismatch = mismatch(of: session, with: new)
    if let mismatch, !rereading { throw mismatch }
    try await core.notePlan(of: namespace)
    let conversation = try Conversation(
      session, isResumed: begun == nil, engine: self, desk: desk, template: template, scope: scope)
    // Once nobody else has it.
    if mismatch != nil {
      try EngineError.aboutCatalog { () throws(CatalogError) in
        try desk.catalog.rebind(
          session.id, model: new.model, modelName: new.modelName, template: new.template)
      }
    }
    return conversation
  }

  /// Why a session cannot go on as it was; nil when it can.
  private func mismatch(of session: KeptSession, with new: NewSession) -> EngineError? {
    let advice = "or have it read again from its text (--reread), or begin another session."
    if session.model != new.model {
      let other = session.modelName == new.modelName ? " of another file" : ""
      return EngineError(
        .session,
        "the session \(session.name) was held with the model \(session.modelName), and this is "
          + "\(new.modelName)\(other); go on with that one, \(advice)")
    }
    if session.template != new.template {
      return EngineError(
        .session,
        "the session \(session.name) is written in the template \(session.template), and this is "
          + "\(new.template); go on in that one, \(advice)")
    }
    return nil
  }

  /// The conversations that are kept.
  public var sessions: EngineSessions { EngineSessions(engine: self) }
}
