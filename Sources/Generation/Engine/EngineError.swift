internal import Cache
internal import Cascade

/// Why an engine cannot start or answer. The description is one sentence: what, where, and what to
/// do about it.
public struct EngineError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is, for a caller that wants to react.
  public enum Code: Sendable {
    /// The model file cannot be read, or is none that can be run.
    case model
    /// The machine lacks what the options ask for: an instruction set, threads, memory.
    case machine
    /// An option is out of its range.
    case options
    /// The prompt cannot be answered as it is.
    case prompt
    /// Too many replies are in progress; later it may work.
    case busy
    /// Memory does not hold what was asked for, or its store cannot be read or written.
    case memory
    /// A session is not there, in use elsewhere, or another model's.
    case session
    /// A session cannot be written to a file, or a file is none that can be imported.
    case snapshot
  }

  public let code: Code
  public let message: String

  /// The option that is out of its range, for a caller with other names for options than ours.
  public let option: OptionsError?

  init(_ code: Code, _ message: String, option: OptionsError? = nil) {
    self.code = code
    self.message = message
    self.option = option
  }

  public var description: String { message }
}

extension EngineError {
  /// Runs `body`, whose errors come from the layers below, and gives them the engine's type.
  static func wrapping<R>(_ body: () throws -> R) throws(EngineError) -> R {
    do {
      return try body()
    } catch let error as EngineError {
      throw error
    } catch let error as OptionsError {
      throw EngineError(.options, "\(error)", option: error)
    } catch let error as ModelError where error.isAboutMachine {
      throw EngineError(.machine, "\(error)")
    } catch {
      throw EngineError(.model, "\(error)")
    }
  }

  /// Runs `body`, whose errors come from the store.
  static func aboutMemory<R>(_ body: () throws(StoreError) -> R) throws(EngineError) -> R {
    do throws(StoreError) {
      return try body()
    } catch {
      throw EngineError(.memory, error.message)
    }
  }

  /// Runs `body`, whose errors come from the catalog.
  static func aboutCatalog<R>(_ body: () throws(CatalogError) -> R) throws(EngineError) -> R {
    do throws(CatalogError) {
      return try body()
    } catch {
      throw EngineError(.memory, error.message)
    }
  }
}
