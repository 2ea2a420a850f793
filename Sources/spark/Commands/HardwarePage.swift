import Generation
import Hardware

/// A machine on one page.
struct HardwarePage: CustomStringConvertible {
  private let snapshot: MachineSnapshot
  private let advice: Recommendation
  private let matrixUnit: MatrixUnit?

  /// - Parameter matrixUnit: what the system lets this process have of it; nil: it was not asked.
  init(_ snapshot: MachineSnapshot, _ advice: Recommendation, matrixUnit: MatrixUnit?) {
    (self.snapshot, self.advice, self.matrixUnit) = (snapshot, advice, matrixUnit)
  }

  var description: String {
    section("Machine", machine) + section("Conditions", conditions)
      + section("Recommended", recommended)
  }

  private typealias Row = (name: String, value: String)

  private func section(_ title: String, _ rows: [Row]) -> String {
    title + "\n"
      + rows.map { "  " + $0.name.padded(to: 14) + $0.value + "\n" }.joined()
  }

  // MARK: - What it is

  private var machine: [Row] {
    let machine = snapshot.machine
    let model = machine.model
    var rows: [Row] = [
      ("processor", (model.name ?? model.board ?? "unknown") + (model.isVirtual ? ", virtual" : ""))
    ]
    if let board = model.board, model.name != nil { rows.append(("board", board)) }
    rows.append(("cores", cores))
    rows.append(("usable", usable))
    rows.append(
      ("extensions", model.extensions.isEmpty ? "unknown" : model.extensions.joined(separator: " "))
    )
    if matrixUnit == .refused {
      rows.append(("matrix unit", "refused to this process by the system"))
    }
    rows.append(("caches", caches))
    if machine.nodes.count > 1 {
      let sizes = machine.nodes.map { $0.bytes?.inBytes ?? "unknown" }
      rows.append(("memory nodes", "\(machine.nodes.count): \(sizes.joined(separator: ", "))"))
    }
    rows.append(("memory", snapshot.conditions.memory.total?.inBytes ?? "unknown"))
    return rows
  }

  private var cores: String {
    let topology = snapshot.machine.topology
    let kinds =
      topology.efficiencyCores > 0
      ? " (\(topology.performanceCores) performance, \(topology.efficiencyCores) efficiency)" : ""
    let packages = topology.packages.map { $0 > 1 ? " in \($0) packages" : "" } ?? ""
    return "\(topology.cores)\(kinds)\(packages), \(topology.processors.count) hardware threads"
  }

  private var usable: String {
    let quota = snapshot.conditions.limits.processorQuota.map {
      ", of which the control group gives \(($0).inTenths) processors' time"
    }
    return "\(snapshot.machine.usable.count) hardware threads\(quota ?? "")"
  }

  private var caches: String {
    let kept = snapshot.machine.caches.filter { $0.kind != .instruction }
    guard !kept.isEmpty else { return "unknown" }
    return Set(kept.map(\.level)).sorted().map { level in
      let sizes = kept.filter { $0.level == level }
      let groups = Dictionary(grouping: sizes, by: \.bytes).sorted { $0.key > $1.key }
      return "L\(level) "
        + groups.map { "\($0.value.count) × \($0.key.inKibibytes)" }
        .joined(separator: " + ")
    }.joined(separator: ", ")
  }

  // MARK: - How it feels

  private var conditions: [Row] {
    let now = snapshot.conditions
    var rows: [Row] = [("heat", heat)]
    let clocks = now.frequencies.compactMap(\.current)
    let expected = now.frequencies.compactMap(\.expected).max()
    rows.append(
      (
        "clock",
        clocks.isEmpty
          ? "unknown"
          : "\(Int(clocks.min()!)) to \(Int(clocks.max()!)) MHz"
            + (expected.map { ", \(Int($0)) expected under load" } ?? "")
      ))
    rows.append(("throttling", throttling))
    rows.append(
      (
        "memory left",
        snapshot.memoryLeft.map { left in
          left.inBytes
            + (now.limits.memoryBound.map { ", limit of the control group \($0.inBytes)" } ?? "")
        } ?? "unknown"
      ))
    let pressures = [
      ("processor", now.pressure.processor), ("memory", now.pressure.memory),
      ("io", now.pressure.io),
    ]
    rows.append(
      (
        "pressure",
        pressures.map { name, stall in
          "\(name) \(stall?.some10.map { "\($0.inTenths)%" } ?? "unknown")"
        }.joined(separator: ", ")
      ))
    rows.append(("load", now.load.map { "\($0.one.inTenths)" } ?? "unknown"))
    let power =
      now.power.isOnBattery.map { $0 ? "battery" : "mains" } ?? "unknown"
    rows.append(("power", power + (now.power.charge.map { ", battery at \($0)%" } ?? "")))
    return rows
  }

  private var heat: String {
    let watched = snapshot.watched
    guard !watched.isEmpty else {
      return "unknown: no sensor of the processor; the pace of the work is watched instead"
    }
    return watched.prefix(4).map {
      "\($0.sensor.name) \($0.sensor.celsius!.inTenths) °C, limit \($0.limit.inTenths)"
    }.joined(separator: "; ")
  }

  private var throttling: String {
    let counts = snapshot.conditions.throttling
    if let core = counts.core ?? counts.package {
      return "\(core) times by core, \(counts.package ?? 0) by package since the start"
    }
    return counts.firmwareIsThrottling.map { $0 ? "now, by the firmware" : "not now" } ?? "unknown"
  }

  // MARK: - How to use it

  private var recommended: [Row] {
    let reasons = advice.reasons
    let caches = advice.caches
    let budgets: String =
      "L1 \(caches.exact.inBytes), L2 \(caches.packed.inBytes), L3 \(caches.disk.inBytes)"
    let placement = advice.placement.map { "\($0)" }.joined(separator: " ")
    return [
      ("threads", "\(advice.threads): \(reasons.threads)"),
      ("placement", "\(placement): \(reasons.placement)"),
      ("batch width", "\(advice.batchWidth): \(reasons.batchWidth)"),
      ("cache budgets", "\(budgets): \(reasons.caches)"),
    ]
  }
}

extension Int {
  /// A cache's size, as `48 KiB` or `18 MiB`.
  fileprivate var inKibibytes: String {
    self >= 1 << 20 && self % (1 << 20) == 0 ? "\(self >> 20) MiB" : "\(self >> 10) KiB"
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(1, width - count))
  }
}
