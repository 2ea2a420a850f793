/// How much a request's asker minds waiting. More urgent is greater.
public enum Priority: Int, Sendable, Comparable, CaseIterable {
  /// Work that nobody watches.
  case background
  case normal
  /// Somebody sits in front of it.
  case urgent

  public static func < (one: Priority, other: Priority) -> Bool { one.rawValue < other.rawValue }

  /// In the order in which requests are served.
  static let mostUrgentFirst: [Priority] = [.urgent, .normal, .background]
}

/// One value for each priority, without a dictionary's hashing.
struct ByPriority<Value: Sendable>: Sendable {
  private var background: Value
  private var normal: Value
  private var urgent: Value

  init(repeating value: Value) { (background, normal, urgent) = (value, value, value) }

  subscript(priority: Priority) -> Value {
    get {
      switch priority {
      case .background: background
      case .normal: normal
      case .urgent: urgent
      }
    }
    _modify {
      switch priority {
      case .background: yield &background
      case .normal: yield &normal
      case .urgent: yield &urgent
      }
    }
  }
}
