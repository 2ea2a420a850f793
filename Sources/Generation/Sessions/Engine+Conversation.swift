internal import Cache
internal import Cascade

extension Engine {
  /// Goes on with a conversation that is kept, or begins it.
  ///
  /// - Parameters:
  ///   - name: the session's; nil: a new one, named after the day.
  ///   - template: how it is written; nil: as the model's own template has it.
  ///   - scope: how far recall may reach.
  /// - Throws: ``EngineError/Code/session`` when another process or conversation has it, or it was
  ///   held with another model or template; ``EngineError/Code/memory`` when the store cannot be used.
  public func conversation(
    named name: String? = nil, namespace: String = "default", template: ChatTemplate? = nil,
    scope: MemoryScope = .namespace
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
    guard session.model == new.model else {
      throw EngineError(
        .session,
        "the session \(session.name) was held with the model \(session.modelName), and this is "
          + "\(model.name)\(session.modelName == model.name ? " of another file" : ""); go on with that one, or begin another session."
      )
    }
    guard session.template == template.name else {
      throw EngineError(
        .session,
        "the session \(session.name) is written in the template \(session.template), and this is "
          + "\(template.name); go on in that one, or begin another session.")
    }
    return try Conversation(
      session, isResumed: begun == nil, engine: self, desk: desk, template: template, scope: scope)
  }

  /// The conversations that are kept.
  public var sessions: EngineSessions { EngineSessions(engine: self) }
}
