import ArgumentParser
import Generation

extension GenerationOptions {
  /// What the flags of a reply say.
  ///
  /// - Parameter base: what holds where none says anything.
  init(
    _ length: LengthFlags, _ sampling: SamplingFlags, _ beams: BeamFlags, _ drafts: DraftFlags,
    over base: GenerationOptions = GenerationOptions()
  ) {
    self = base
    length.apply(to: &self)
    sampling.apply(to: &self)
    beams.apply(to: &self)
    drafts.apply(to: &self)
  }

  /// Refuses wrong usage, by the flag's name.
  func validateUsage() throws {
    do {
      try validate()
    } catch {
      throw ValidationError(error.usage)
    }
  }
}

/// Help for an option that says nothing when it is left out: what then holds.
func help(_ text: String, or value: some CustomStringConvertible) -> ArgumentHelp {
  ArgumentHelp("\(text) (default: \(value))")
}
