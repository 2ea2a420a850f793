/// One turn of a conversation.
public struct ChatMessage: Sendable, Hashable, Codable {
  /// Who speaks.
  public enum Role: String, Sendable, Hashable, Codable, CaseIterable {
    case system, user, assistant
  }

  public var role: Role
  public var content: String

  public init(role: Role, content: String) {
    self.role = role
    self.content = content
  }

  public static func system(_ content: String) -> Self { Self(role: .system, content: content) }
  public static func user(_ content: String) -> Self { Self(role: .user, content: content) }
  public static func assistant(_ content: String) -> Self {
    Self(role: .assistant, content: content)
  }
}
