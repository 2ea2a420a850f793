import ArgumentParser
import Generation

extension GenerationOptions {
  /// What the flags of a reply say.
  init(_ length: LengthFlags, _ sampling: SamplingFlags, _ drafts: DraftFlags) {
    self.init()
    length.apply(to: &self)
    sampling.apply(to: &self)
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
