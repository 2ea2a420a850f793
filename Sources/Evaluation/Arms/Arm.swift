package import Generation

/// One way of running the model that is compared with others on the same questions.
package struct Arm: Sendable, Equatable {
  /// What a question is shown with.
  package enum View: String, Sendable {
    /// The whole text.
    case whole
    /// The part that tells the answer, and the question: what the model can do at all.
    case near
  }

  package var name: String
  package var view: View
  package var engine: EngineOptions
  package var memory: MemoryOptions
  /// The curve that this arm is a point of, and where it lies on it.
  package var sweep: Sweep.Point?

  package init(
    name: String, view: View = .whole, engine: EngineOptions, memory: MemoryOptions,
    sweep: Sweep.Point? = nil
  ) {
    self.name = name
    self.view = view
    self.engine = engine
    self.memory = memory
    self.sweep = sweep
  }
}

/// The arms that every evaluation knows.
package enum ArmKind: String, Sendable, CaseIterable {
  /// Full attention, as far as the model was trained.
  case full
  /// Sinks and window, nothing else (StreamingLLM, Xiao et al. 2023, arXiv:2309.17453).
  case window
  /// Sinks, window and recalled blocks.
  case cascade
  /// Full attention to the answer, its neighbours and the question.
  case ceiling

  /// - Parameters:
  ///   - base: what all arms share, with the cascade's recall options.
  ///   - window: tokens of the sliding window.
  package func arm(base: EngineOptions, window: Int, scope: MemoryScope = .session) -> Arm {
    var options = base
    switch self {
    case .full, .ceiling: options.window = .full
    case .window, .cascade: options.window = .sliding(tokens: window)
    }
    // Both are said, so that whichever an engine looks at first, nothing comes back.
    if self != .cascade { options.recall.blocks = 0 }
    return Arm(
      name: rawValue, view: self == .ceiling ? .near : .whole, engine: options,
      memory: MemoryOptions(scope: self == .cascade ? scope : .none))
  }
}
