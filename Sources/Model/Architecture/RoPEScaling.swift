#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// How a model's rotary frequencies were stretched beyond the context it was first trained on.
package enum RoPEScaling: Sendable, Equatable {
  case none
  /// Positions divided by `factor` (Chen et al. 2023, arXiv:2306.15595).
  case linear(factor: Double)
  /// Frequencies above a cutoff kept, those below interpolated, a ramp between (Peng et al. 2023,
  /// "YaRN", arXiv:2309.00071). `originalContext` is the length before scaling.
  case yarn(
    factor: Double, originalContext: Int, attentionFactor: Double, betaFast: Double,
    betaSlow: Double)

  /// Angle per position of each of the `rotary / 2` pairs, before any per-file divisors.
  package func frequencies(base: Double, rotary: Int) -> [Double] {
    let plain = (0..<rotary / 2).map { pow(base, -2 * Double($0) / Double(rotary)) }
    switch self {
    case .none: return plain
    case .linear(let factor): return plain.map { $0 / factor }
    case .yarn(let factor, let originalContext, _, let betaFast, let betaSlow):
      // The pair that makes `turns` full turns over the original context.
      func pair(turning turns: Double) -> Double {
        Double(rotary) * log(Double(originalContext) / (turns * 2 * Double.pi)) / (2 * log(base))
      }
      let low = max(0, pair(turning: betaFast).rounded(.down))
      let high = min(Double(rotary - 1), pair(turning: betaSlow).rounded(.up))
      return plain.enumerated().map { index, frequency in
        let ramp = min(1, max(0, (Double(index) - low) / max(0.001, high - low)))
        return frequency * (1 - ramp) + frequency / factor * ramp
      }
    }
  }

  /// What cosines and sines are multiplied by: YaRN's temperature on the attention scores.
  package var magnitude: Double {
    guard case .yarn(let factor, _, let attentionFactor, _, _) = self else { return 1 }
    return attentionFactor * (1 + 0.1 * log(factor))
  }
}
