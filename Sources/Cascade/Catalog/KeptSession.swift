package import Cache
package import Model

/// A conversation as the catalog has it, its turns aside.
package struct KeptSession: Sendable, Equatable {
  /// Never given to another one.
  package let id: Int64
  package let namespace: String
  package let name: String
  /// What memory knows it by: the name it began with, which stays when it is renamed.
  package let memory: String
  /// The model's digest.
  package let model: BlockIdentity
  package let modelName: String
  /// The chat template's name.
  package let template: String
  /// Seconds since 1970.
  package let created: Int64
  package let used: Int64
  package let isPinned: Bool
  /// The name of the session that it was forked from; nil when that is gone.
  package let forkedFrom: String?
  /// Turns, what the model is told to be not counted.
  package let turns: Int
}

/// What a session is begun with.
package struct NewSession: Sendable {
  package var namespace: String
  package var name: String
  package var model: BlockIdentity
  package var modelName: String
  package var template: String
  /// Seconds since 1970.
  package var created: Int64

  package init(
    namespace: String, name: String, model: BlockIdentity, modelName: String, template: String,
    created: Int64
  ) {
    self.namespace = namespace
    self.name = name
    self.model = model
    self.modelName = modelName
    self.template = template
    self.created = created
  }
}

/// One turn of a session.
package struct KeptTurn: Sendable, Equatable {
  /// 0 is what the model is told to be; questions are odd, their replies the next number.
  package let number: Int
  package let role: String
  package let text: String
  /// Seconds since 1970.
  package let time: Int64
}

/// What a session's turns have become as one sequence: what its next reply goes on from.
package struct KeptSequence: Sendable, Equatable {
  /// The identity before its first block: model, layout, window and namespace.
  package var root: BlockIdentity
  /// All of its tokens, those at its end included of which no keys and values were computed.
  package var tokens: [TokenID]
  /// The blocks that were filled, in order.
  package var blocks: [BlockIdentity]
  /// The block behind them, which was not; nil when there is none.
  package var tail: BlockIdentity?

  package init(
    root: BlockIdentity, tokens: [TokenID], blocks: [BlockIdentity], tail: BlockIdentity?
  ) {
    self.root = root
    self.tokens = tokens
    self.blocks = blocks
    self.tail = tail
  }
}
