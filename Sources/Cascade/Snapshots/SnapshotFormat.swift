/// The numbers of docs/snapshot-format.md. Everything is little-endian.
package enum SnapshotFormat {
  package static let version: UInt32 = 1
  static let magic = Array("SPARKSNP".utf8)
  /// Magic, version, flags.
  static let preambleBytes = 16
  static let sectionHeaderBytes = 40

  // What is longer is damage, or a session that is refused: lengths are compared with these before
  // anything is allocated.
  static let maximumHeaderBytes = 1 << 20
  static let maximumSettingsBytes = 1 << 20
  static let maximumTurnBytes = 16 << 20
  static let maximumTurns = 1 << 20
  /// Of all turns.
  static let maximumTextBytes = 256 << 20
  static let maximumTokens = 16 << 20
  static let maximumChainBytes = 64 << 20
  static let maximumBlockBytes = 256 << 20

  /// What a section holds.
  enum Kind: UInt32, CaseIterable {
    // Four letters each, read as a little-endian number.
    case header = 0x4441_4548
    case settings = 0x5354_4553
    case turn = 0x4E52_5554
    case tokens = 0x534B_4F54
    case chain = 0x4941_4843
    case block = 0x4B43_4C42
    case end = 0x2E44_4E45

    /// For messages.
    var name: String {
      switch self {
      case .header: "header"
      case .settings: "settings"
      case .turn: "turn"
      case .tokens: "tokens"
      case .chain: "chain"
      case .block: "block"
      case .end: "end"
      }
    }

    /// The most bytes of its content.
    var limit: Int {
      switch self {
      case .header: SnapshotFormat.maximumHeaderBytes
      case .settings: SnapshotFormat.maximumSettingsBytes
      case .turn: SnapshotFormat.maximumTurnBytes
      case .tokens: SnapshotFormat.maximumTokens * 4
      case .chain: SnapshotFormat.maximumChainBytes
      case .block: SnapshotFormat.maximumBlockBytes
      case .end: 32
      }
    }
  }

  /// How a section's content is stored.
  enum Encoding: UInt32 {
    case plain = 0
    case zstd = 1
  }
}

/// What of a session a snapshot holds.
public enum SnapshotForm: String, Sendable, CaseIterable, Codable {
  /// What was said, and keys and values with every bit.
  case exact
  /// What was said, and keys and values as 8-bit integers.
  case packed
  /// What was said.
  case text
}
