/// Ways in which a text goes wrong, several at once; without the room of its own that a `Set` takes.
package struct QualityKinds: OptionSet, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package init(_ kind: QualityKind) {
    let place =
      switch kind {
      case .loop: 0
      case .collapse: 1
      case .explosion: 2
      case .endless: 3
      }
    self.init(rawValue: 1 << place)
  }

  package func contains(_ kind: QualityKind) -> Bool { contains(Self(kind)) }
}
