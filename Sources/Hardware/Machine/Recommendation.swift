/// How to use a machine, and why.
package struct Recommendation: Codable, Equatable, Sendable {
  /// Compute threads.
  package var threads: Int
  /// The hardware threads to put them on, best first; as many as there are threads.
  package var placement: [Int]
  /// All hardware threads of the cores that were chosen, quota or not.
  package var processors: [Int]
  /// Sequences worth decoding together.
  package var batchWidth: Int
  /// Bytes for the cascade's tiers: exact blocks in memory, packed blocks in memory, disk.
  package var caches: CacheBudgets
  /// A sentence on each.
  package var reasons: Reasons

  package struct CacheBudgets: Codable, Equatable, Sendable {
    package var exact: Int
    package var packed: Int
    package var disk: Int
  }

  package struct Reasons: Codable, Equatable, Sendable {
    package var threads: String
    package var placement: String
    package var batchWidth: String
    package var caches: String
  }

  package init(for snapshot: MachineSnapshot) {
    let (cores, choice) = Self.cores(of: snapshot.machine)
    let (threads, limit) = Self.threads(cores, quota: snapshot.conditions.limits.processorQuota)
    self.threads = threads
    placement = cores.prefix(threads).map(\.id)
    let chosen = Set(cores.map(\.core))
    processors = snapshot.machine.usable.filter { chosen.contains($0.core) }.map(\.id)
    let (caches, cacheReason) = Self.caches(snapshot)
    self.caches = caches
    let (width, widthReason) = Self.width(threads, snapshot)
    batchWidth = width
    reasons = Reasons(
      threads: choice + limit, placement: Self.placementReason(snapshot.machine),
      batchWidth: widthReason, caches: cacheReason)
  }

  // MARK: - Threads

  /// The processors that `threads` compute threads should stay on; nil where that would gain nothing, or where
  /// there are more threads than cores that were chosen.
  ///
  /// It is a set that all of them share and not a core for each: a thread that meets another process can be
  /// moved to a free core within the set, and with one core only it would wait there, the others with it.
  package func confinement(of threads: Int, on machine: Machine) -> [Int]? {
    let chosen = Set(processors)
    let cores = machine.usableCores.filter { chosen.contains($0.id) }.count
    guard processors.count < machine.usable.count, threads <= cores else { return nil }
    return processors
  }

  /// The cores worth using, one hardware thread of each, fastest first.
  private static func cores(
    of machine: Machine
  ) -> (cores: [Topology.Processor], reason: String) {
    var cores = machine.usableCores
    var reason =
      machine.usable.count > cores.count
      ? "one for each core: hardware threads of one core share its arithmetic"
      : "one for each core"
    let fast = cores.filter { $0.kind == .performance }
    if !fast.isEmpty, fast.count < cores.count {
      cores = fast
      reason = "one for each performance core: the rest would wait for the efficiency cores"
    }
    let nodes = machine.nodes.map { node in cores.filter { node.processors.contains($0.id) } }
    if let largest = nodes.max(by: { $0.count < $1.count }), !largest.isEmpty,
      largest.count < cores.count
    {
      cores = largest
      reason += ", of one memory node: weights are read from one side"
    }
    let fastestFirst = cores.sorted {
      ($0.capacity ?? 0, $0.clock ?? 0, $1.id) > ($1.capacity ?? 0, $1.clock ?? 0, $0.id)
    }
    return (fastestFirst, reason)
  }

  /// A quota that ends half way through a processor is worth a thread more; less is not.
  private static func threads(
    _ cores: [Topology.Processor], quota: Double?
  ) -> (Int, reason: String) {
    guard let quota, quota.rounded() < Double(cores.count) else { return (cores.count, "") }
    return (
      max(1, Int(quota.rounded())), ", within the control group's \(shortest(quota)) processors"
    )
  }

  private static func placementReason(_ machine: Machine) -> String {
    if machine.topology.efficiencyCores > 0 { return "the fastest cores first" }
    if machine.nodes.count > 1 { return "cores of one memory node" }
    return "the first hardware thread of each core"
  }

  // MARK: - Batch width

  /// One step reads the weights once for the whole batch; widening pays until arithmetic takes as
  /// long as reading. How much arithmetic a core does in the meantime depends on its instructions.
  private static func width(_ threads: Int, _ snapshot: MachineSnapshot) -> (Int, reason: String) {
    let extensions = Set(snapshot.machine.model.extensions)
    let (perThread, kind) =
      if extensions.contains("amx_int8") {
        (16, "AMX")
      } else if extensions.contains("avx512_vnni") || extensions.contains("i8mm") {
        (8, extensions.contains("i8mm") ? "i8mm" : "AVX-512 VNNI")
      } else if extensions.contains("avx2") || extensions.contains("asimddp") {
        (4, extensions.contains("avx2") ? "AVX2" : "dot-product")
      } else {
        (2, "plain")
      }
    let byArithmetic = min(64, threads * perThread)
    // A sequence wants some room for its keys and values.
    let byMemory = snapshot.memoryBytes.map { max(1, $0 / 4 / (64 << 20)) }
    guard let byMemory, byMemory < byArithmetic else {
      return (
        byArithmetic, "\(perThread) for each thread, about what \(kind) arithmetic keeps up with"
      )
    }
    return (byMemory, "as many as a quarter of the memory holds at 64 MiB each")
  }

  // MARK: - Caches

  private static func caches(_ snapshot: MachineSnapshot) -> (CacheBudgets, reason: String) {
    // The usual budgets, where there is room.
    let wanted = CacheBudgets(exact: 512 << 20, packed: 2 << 30, disk: 8 << 30)
    guard let left = snapshot.memoryLeft ?? snapshot.memoryBytes.map({ $0 / 2 }) else {
      let small = CacheBudgets(exact: 128 << 20, packed: 256 << 20, disk: 8 << 30)
      return (small, "small, as the memory's size is unknown")
    }
    // The model's own working memory and the system need most of what is free.
    let budgets = CacheBudgets(
      exact: min(wanted.exact, left / 16), packed: min(wanted.packed, left / 4), disk: wanted.disk)
    let isWhole = budgets == wanted
    return (
      budgets,
      isWhole
        ? "the usual budgets: a quarter of the free memory is more"
        : "a sixteenth and a quarter of the memory that is left"
    )
  }
}

/// A number with as many decimals as it needs, two at most: `1.5`, `2`.
func shortest(_ value: Double) -> String {
  let hundredths = Int((value * 100).rounded())
  let (whole, rest) = (hundredths / 100, abs(hundredths % 100))
  if rest == 0 { return "\(whole)" }
  return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest / 10)\(rest % 10)"
}
