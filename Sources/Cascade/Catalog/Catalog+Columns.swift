internal import Cache
internal import Foundation
internal import GRDB
internal import Model

/// How identities and tokens are written in columns.
extension BlockIdentity {
  var column: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - $0 * 8)) }
      + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - $0 * 8)) }
  }

  /// Nil when the bytes are none that `column` gave.
  init?(column: [UInt8]) {
    guard column.count == 16 else { return nil }
    func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    self.init(high: number(column[..<8]), low: number(column[8...]))
  }
}

extension [BlockIdentity] {
  /// One after the other.
  var column: [UInt8] { flatMap(\.column) }

  init(column: [UInt8]) {
    self = []
    for start in stride(from: 0, to: column.count, by: 16) {
      guard let identity = BlockIdentity(column: [UInt8](column[start...].prefix(16))) else {
        return
      }
      append(identity)
    }
  }
}

extension [TokenID] {
  /// Little-endian, four bytes each.
  var column: [UInt8] {
    flatMap { token in (0..<4).map { UInt8(truncatingIfNeeded: token >> ($0 * 8)) } }
  }

  init(column: [UInt8]) {
    self = stride(from: 0, to: column.count / 4 * 4, by: 4).map { at in
      (0..<4).reduce(0) { $0 | TokenID(column[at + $1]) << TokenID($1 * 8) }
    }
  }
}

extension Row {
  func bytes(_ column: String) -> [UInt8] { (self[column] as DatabaseValue).bytes }
}

extension DatabaseValue {
  /// The bytes of a blob; none of anything else.
  var bytes: [UInt8] {
    guard case .blob(let data) = storage else { return [] }
    return [UInt8](data)
  }
}

extension [UInt8] {
  /// As a statement's argument.
  var argument: DatabaseValue { Data(self).databaseValue }
}
