import Generation
import Synchronization

/// What became of a prompt.
enum BatchAnswer: Sendable {
  case text(String, GenerationSummary, retries: Int)
  case failed(EngineError, retries: Int)
  /// Nobody waits for it any more.
  case cancelled
}

/// Has the engine answer one prompt of a batch.
struct BatchReply: Sendable {
  let engine: Engine
  let prompt: Prompt
  let template: ChatTemplate?
  let options: GenerationOptions
  /// How often what may pass is tried again.
  let retries: Int

  /// - Parameter tokens: counts those that are generated.
  func answer(_ tokens: TokenCount) async -> BatchAnswer {
    var waits = RetryWaits()
    for tries in 0... {
      do throws(EngineError) {
        return try await answerOnce(tokens, tries)
      } catch {
        if Task.isCancelled { break }
        guard error.mayPass, tries < retries else { return .failed(error, retries: tries) }
      }
      do { try await Task.sleep(for: waits.next()) } catch { break }
    }
    return .cancelled
  }

  private func answerOnce(_ tokens: TokenCount, _ tries: Int) async throws(EngineError)
    -> BatchAnswer
  {
    var text = ""
    for try await event in try engine.stream(prompt, template: template, options: options) {
      switch event {
      case .token(let token):
        text += token.text
        tokens.add(1)
      case .finished(let summary):
        guard summary.stopReason != .cancelled else { return .cancelled }
        return .text(text + summary.trailingText, summary, retries: tries)
      }
    }
    preconditionFailure("a token stream ends with a summary")
  }
}

/// Tokens that replies side by side have generated.
final class TokenCount: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .relaxed) }

  func add(_ tokens: Int) { count.add(tokens, ordering: .relaxed) }
}

/// The governor's changes of mind, which come while something else is told.
final class GovernorLog: Sendable {
  private let state = Mutex((count: 0, untold: [String]()))

  var count: Int { state.withLock { $0.count } }

  func note(_ change: String) {
    state.withLock {
      $0.count += 1
      $0.untold.append(change)
    }
  }

  /// Those that were not taken yet.
  func take() -> [String] {
    state.withLock { state in
      defer { state.untold = [] }
      return state.untold
    }
  }
}
