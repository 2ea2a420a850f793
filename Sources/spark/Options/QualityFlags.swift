import ArgumentParser
import Generation

/// What ends a text that goes wrong.
struct QualityFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "End the text when it goes wrong so: loop, collapse, explosion, endless; several with commas between "
        + "them. (default: it is only told)", valueName: "kind,kind,..."))
  var stopOn: StopKinds?

  func apply(to options: inout GenerationOptions) {
    if let stopOn { options.qualityStop = stopOn.kinds }
  }
}

/// Kinds with commas between them.
struct StopKinds: ExpressibleByArgument, Sendable {
  let kinds: Set<QualityKind>

  init?(argument: String) {
    var kinds: Set<QualityKind> = []
    for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let kind = QualityKind(rawValue: String(name)) else { return nil }
      kinds.insert(kind)
    }
    self.kinds = kinds
  }
}
