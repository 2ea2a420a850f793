package import Generation

/// One option at several values, to draw a curve.
package struct Sweep: Sendable, Equatable {
  package enum Option: String, Sendable, CaseIterable {
    case recall, window

    /// What its values are.
    package var unit: String {
      switch self {
      case .recall: "blocks recalled"
      case .window: "tokens of the window"
      }
    }
  }

  /// Where an arm lies on a curve.
  package struct Point: Sendable, Equatable {
    package var series: String
    package var option: Option
    package var value: Int
  }

  package var option: Option
  package var values: [Int]

  /// `recall=0,2,4` or `window=128,256`; nil if it is neither.
  package init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let option = Option(rawValue: String(parts[0])) else { return nil }
    let words = parts[1].split(separator: ",", omittingEmptySubsequences: false)
    let values = words.compactMap { Int($0) }
    guard values.count == words.count, Set(values).count == values.count,
      values.allSatisfy({ $0 >= (option == .window ? 1 : 0) })
    else { return nil }
    (self.option, self.values) = (option, values)
  }

  /// The arms of `kinds`, those that the option touches once for each of its values.
  package func arms(
    _ kinds: [ArmKind], base: EngineOptions, window: Int, scope: MemoryScope = .session
  ) -> [Arm] {
    kinds.flatMap { kind -> [Arm] in
      let isTouched = kind == .cascade || (kind == .window && option == .window)
      guard isTouched else { return [kind.arm(base: base, window: window, scope: scope)] }
      return values.map { value in
        var base = base
        if option == .recall { base.recall.blocks = value }
        var arm = kind.arm(base: base, window: option == .window ? value : window, scope: scope)
        arm.name += " \(option)=\(value)"
        arm.sweep = Point(series: kind.rawValue, option: option, value: value)
        return arm
      }
    }
  }
}
