import ArgumentParser
import Generation

/// Whether a reply that was made before may be told again.
struct MemoFlags: ParsableArguments {
  @Flag(
    name: .customLong("no-memo"),
    help: "Make every reply, also where the same request was answered before and can have no other."
  )
  var isOff = false

  func apply(to options: inout GenerationOptions) { options.usesMemo = !isOff }
}
