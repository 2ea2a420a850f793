internal import Cascade

/// A conversation that is kept, its messages aside.
public struct SessionDescription: Sendable, Equatable {
  public let namespace: String
  public let name: String
  /// What memory knows its passages by: the name that it began with.
  public let memoryName: String
  /// The model that it is held with.
  public let modelName: String
  /// The name of the template that it is written in.
  public let template: String
  /// Seconds since 1970.
  public let created: Int64
  /// When something was last said in it; seconds since 1970.
  public let used: Int64
  /// Whether it is to be kept whatever happens: it is not deleted before it is unpinned.
  public let isPinned: Bool
  /// The session that it was forked from; nil when it was not, or that one is gone.
  public let forkedFrom: String?
  /// Questions and replies.
  public let turns: Int

  init(_ session: KeptSession) {
    namespace = session.namespace
    name = session.name
    memoryName = session.memory
    modelName = session.modelName
    template = session.template
    created = session.created
    used = session.used
    isPinned = session.isPinned
    forkedFrom = session.forkedFrom
    turns = session.turns
  }
}
