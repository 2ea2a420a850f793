internal import Cache

/// Why a session cannot be exported or imported. The description is one sentence: what, where, and what
/// to do about it.
package struct SnapshotError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// The bytes are no snapshot.
    case foreign
    /// A later version wrote it.
    case tooNew
    /// Bytes are not what was written.
    case damaged
    /// The bytes end before the snapshot does.
    case truncated
    /// It is of another model, or of blocks of another form.
    case otherModel
    /// The session is too large for the format.
    case tooLarge
    /// The name is taken.
    case taken
    /// The session is not there.
    case missing
    /// What is read from or written to fails.
    case input, output
    /// The store or the catalog fails.
    case store
    /// The caller has given it up.
    case cancelled
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }

  static var cancelled: SnapshotError { SnapshotError(.cancelled, "it was given up.") }

  static func aboutStore<R>(_ body: () throws(StoreError) -> R) throws(SnapshotError) -> R {
    do throws(StoreError) {
      return try body()
    } catch {
      throw SnapshotError(.store, error.message)
    }
  }

  static func aboutCatalog<R>(_ body: () throws(CatalogError) -> R) throws(SnapshotError) -> R {
    do throws(CatalogError) {
      return try body()
    } catch {
      throw SnapshotError(.store, error.message)
    }
  }

  /// Runs `body`, which encodes: that fails for want of memory only.
  static func aboutEncoding<R>(_ body: () throws(CodecError) -> R) throws(SnapshotError) -> R {
    do throws(CodecError) {
      return try body()
    } catch {
      throw SnapshotError(.store, "a snapshot cannot be encoded or read: \(error.description)")
    }
  }
}
