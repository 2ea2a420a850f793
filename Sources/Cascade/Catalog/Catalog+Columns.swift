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

  /// - Throws: where the file is damaged so that it holds another kind of value.
  func integer(_ column: String) throws -> Int64 {
    guard case .int64(let value) = (self[column] as DatabaseValue).storage else {
      throw Self.damage(column)
    }
    return value
  }

  /// The same for a number that may have a fraction; it is finite.
  func number(_ column: String) throws -> Double {
    switch (self[column] as DatabaseValue).storage {
    case .int64(let value): return Double(value)
    case .double(let value) where value.isFinite: return value
    default: throw Self.damage(column)
    }
  }

  private static func damage(_ column: String) -> DatabaseError {
    DatabaseError(
      resultCode: .SQLITE_CORRUPT, message: "a value of \(column) is none that was written")
  }
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
