public import Scheduling
internal import Synchronization

/// A reply that is made without anybody reading along: it can be looked at, hurried, cancelled, and waited for.
///
/// Dropping the handle cancels nothing; the reply goes on to its end.
public final class ReplyHandle: Sendable {
  /// Where a reply stands.
  public enum Status: Sendable, Equatable {
    /// Waits for its turn, or for room.
    case waiting
    /// Its prompt is being read: so many of its tokens are.
    case reading(tokens: Int)
    /// It is being written: so many tokens are.
    case writing(tokens: Int)
    case finished(StopReason)
    case failed
  }

  /// Unlike that of any other reply of this process.
  public let id: UInt64

  private let progress: Progress
  private let task: Task<Completion, any Error>
  private let core: EngineCore
  private let reply: Reply

  /// What the reply's task and its watchers share.
  private final class Progress: Sendable {
    let status = Mutex(Status.waiting)
    func set(_ new: Status) { status.withLock { $0 = new } }
  }

  private static let numbers = Atomic<UInt64>(0)

  /// - Parameter stream: begins the reply.
  init(
    core: EngineCore,
    stream: (_ onPrefill: @escaping @Sendable (Int) -> Void) throws(EngineError) -> TokenStream
  ) throws(EngineError) {
    id = Self.numbers.add(1, ordering: .relaxed).newValue
    let progress = Progress()
    self.progress = progress
    self.core = core
    let stream = try stream { progress.set(.reading(tokens: $0)) }
    reply = stream.reply
    task = Task {
      do {
        var count = 0
        let completion = try await Completion(reading: stream) { _ in
          count += 1
          progress.set(.writing(tokens: count))
        }
        progress.set(.finished(completion.summary.stopReason))
        return completion
      } catch {
        progress.set(.failed)
        throw error
      }
    }
  }

  public var status: Status { progress.status.withLock { $0 } }

  /// Ends the reply within a token; ``result`` then has what it came to.
  public func cancel() { task.cancel() }

  /// Makes the reply more or less urgent from now on.
  public func setPriority(_ priority: Priority) async {
    await core.setPriority(priority, of: reply)
  }

  /// The whole reply, once it has ended. Anyone may wait for it, more than once; whoever is cancelled while
  /// waiting does not cancel the reply.
  public var result: Completion {
    get async throws(EngineError) {
      do {
        return try await task.value
      } catch let error as EngineError {
        throw error
      } catch {
        throw EngineError(.model, "\(error)")
      }
    }
  }
}
