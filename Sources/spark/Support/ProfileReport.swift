import Generation

/// Where a run's time went, for people.
struct ProfileReport: CustomStringConvertible {
  var profile: RunProfile
  var limits: Roofline
  var model: String
  var threads: Int
  var isa: String

  var description: String {
    guard !profile.phases.isEmpty else { return "nothing was computed\n" }
    return """
      \(profile.phases.map(text).joined(separator: "\n"))
      limits with \(threads) threads, \(isa): memory \(limits.readBandwidth.inGiga) GB/s, \
      bytes \(limits.integerPeak.inGiga) GOPS, floats \(limits.floatPeak.inGiga) GFLOPS
      \(waits)
      """
  }

  /// What was not computed in.
  private var waits: String {
    let passes = profile.phases.reduce(Duration.zero) { $0 + $1.time }
    return
      "\(passes.seconds.inHundredths) s in passes, "
      + "\((profile.elapsed - passes).seconds.inHundredths) s between them\n"
  }

  private func text(of phase: RunProfile.Phase) -> String {
    var rows = [["module", "calls", "ms", "share", "read", "GB/s", "GFLOPS", "bound by", "of it"]]
    // What takes next to nothing tells nothing.
    for module in phase.modules where phase.share(of: module) >= 0.0005 {
      rows.append(row(module, of: phase))
    }
    let whole = phase.whole
    rows.append([
      "all", "", (phase.time.seconds * 1000).inTenths, "100.0%",
      whole.bytes.inBytes,
      (Double(whole.bytes) / phase.time.seconds).inGiga,
      (Double(whole.operations) / phase.time.seconds).inGiga, "", "",
    ])
    return "\(title(of: phase))\n\(TextTable.text(rows))\n\(verdict(on: phase))"
  }

  private func title(of phase: RunProfile.Phase) -> String {
    let tokens = [(phase.rowsRead, "read"), (phase.rowsDecoded, "generated")].filter { $0.0 > 0 }
      .map { "\($0.0.inTokens) \($0.1)" }.joined(separator: ", ")
    let rate = Double(phase.rowsRead + phase.rowsDecoded) / phase.time.seconds
    let passes = phase.passes == 1 ? "1 pass" : "\(phase.passes) passes"
    return "\(phase.phase): \(tokens) in \(passes), \(rate.inTenths) tokens/s"
  }

  private func row(_ module: RunProfile.Module, of phase: RunProfile.Phase) -> [String] {
    let (bound, reached) = module.bound(by: limits)
    return [
      module.module.title, "\(module.calls)", (module.time.seconds * 1000).inTenths,
      (phase.share(of: module) * 100).inTenths + "%",
      module.bytes > 0 ? module.bytes.inBytes : "",
      module.bytesPerSecond?.inGiga ?? "", module.operationsPerSecond?.inGiga ?? "",
      bound == .neither ? "" : bound == .bandwidth ? "memory" : "compute",
      bound == .neither ? "" : "\(Int((reached * 100).rounded()))%",
    ]
  }

  private func verdict(on phase: RunProfile.Phase) -> String {
    guard let module = phase.bottleneck else { return "nothing stands out\n" }
    let share = (phase.share(of: module) * 100).inTenths
    let (bound, reached) = module.bound(by: limits)
    let percent = Int((reached * 100).rounded())
    let limit =
      switch bound {
      case .neither: "bound by neither memory nor products"
      case _ where reached < 0.5:
        "nearest to \(bound == .bandwidth ? "memory" : "compute"), of which it has \(percent)%: most of its time goes "
          + "elsewhere, as to a kernel that could do better or a core that another process has"
      case .bandwidth where reached > 1.1:
        "bound by memory, of which it has \(percent)%: caches hold a part of what it reads"
      case .bandwidth:
        "bound by memory, of whose \(limits.readBandwidth.inGiga) GB/s it has \(percent)%"
      case .compute:
        "bound by compute, of whose \(limit(of: module)) it has \(percent)%"
      }
    let memory = (phase.share(boundBy: .bandwidth, of: limits) * 100).inTenths
    let compute = (phase.share(boundBy: .compute, of: limits) * 100).inTenths
    return """
      bottleneck: \(module.module.title), \(share)% of the time, \(limit)
      modules nearest to memory take \(memory)% of the time, those nearest to compute \(compute)%

      """
  }

  private func limit(of module: RunProfile.Module) -> String {
    module.isOfIntegers == true
      ? "\(limits.integerPeak.inGiga) GOPS" : "\(limits.floatPeak.inGiga) GFLOPS"
  }
}
