package import Scheduling

/// Priorities as they are written: by their names in Swift.
extension Priority {
  package var name: String {
    switch self {
    case .background: "background"
    case .normal: "normal"
    case .urgent: "urgent"
    }
  }

  package init?(name: String) {
    guard let known = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = known
  }
}
