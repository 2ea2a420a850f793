package import Model

/// What an engine's recall comes to on its model: options made fit for the trained context.
package struct RecallPlan: Sendable, Equatable {
  package let window: Window
  package let sinks: Int
  package let options: RecallOptions
  package let blockLength: Int
  /// The most blocks that a layer recalls: as many as asked for and as the trained context has room
  /// for beside sinks and window.
  package let rooms: Int
  /// The distance at which clamped blocks stand at most.
  package let farthest: Int
  package let index: IndexLayout
  /// What else blocks depend on, in words: how the engine computes generated tokens, where it is not as
  /// usual.
  private let variant: String
  /// Whether generated tokens are computed otherwise than those that are read, so that blocks depend on which
  /// of their tokens are.
  package let tellsGenerated: Bool

  package init(
    window: Window, sinks: Int, options: RecallOptions, blockLength: Int, shape: Hyperparameters,
    variant: String = "", tellsGenerated: Bool = false
  ) {
    self.variant = variant
    self.tellsGenerated = tellsGenerated
    self.window = window
    self.sinks = sinks
    self.options = options
    self.blockLength = blockLength
    index = IndexLayout(shape: shape, blockLength: blockLength, scorer: options.scorer)
    guard case .sliding(let tokens) = window else {
      rooms = 0
      farthest = 0
      return
    }
    let spare = shape.contextLength - sinks - tokens - blockLength
    rooms = max(0, min(options.blocks, spare / blockLength))
    farthest = max(0, spare)
  }

  /// The most recalled blocks that words point to; layers choose the others each for itself.
  var routed: Int { min(options.routed, rooms) }

  /// What blocks depend on of all this, in words.
  package var signature: String {
    let window = if case .sliding(let tokens) = window { "\(tokens)" } else { "full" }
    return "window \(window) sinks \(sinks) rooms \(rooms) every \(options.every) "
      + "routed \(routed) gate \(options.gate) "
      + "\(options.scorer.rawValue) \(options.placement.rawValue)"
      + (variant.isEmpty ? "" : " \(variant)")
  }

  /// The virtual position of the window's first token once it has slid, of recalled block `place`
  /// of `count`, and of the sinks: only differences between them and the window's matter.
  func start(ofPlace place: Int, of count: Int, blocksBefore distance: Int) -> Int {
    switch options.placement {
    case .compact: sinks - (count - place) * blockLength
    case .constant: sinks - blockLength
    case .clamped: sinks - min(min(distance, 1 << 20) * blockLength, farthest)
    }
  }

  func startOfSinks(with count: Int) -> Int {
    guard count > 0 else { return 0 }
    return switch options.placement {
    case .compact: -count * blockLength
    case .constant: -blockLength
    case .clamped: -farthest
    }
  }

  /// The distance at which a query is held against the index: the middle of where blocks stand.
  package var assumedDistance: Int {
    guard case .sliding(let tokens) = window else { return 0 }
    return tokens + blockLength * (1 + rooms) / 2
  }
}
