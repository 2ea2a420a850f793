/// What a machine is, as far as this process may use it: what does not change while it runs.
package struct Machine: Codable, Equatable, Sendable {
  package var model: ProcessorModel
  package var processors: Processors
  package var topology: Topology
  package var caches: [ProcessorCache]
  package var nodes: [NUMANode]

  package init(_ files: SystemFiles) {
    model = ProcessorModel(files)
    processors = Processors(files)
    topology = Topology(files, allowed: processors.allowed)
    caches = ProcessorCache.all(files, processors: topology.processors.map(\.id))
    nodes = NUMANode.all(files)
  }

  /// The hardware threads this process may use and that are online; never none.
  package var usable: [Topology.Processor] {
    let allowed = Set(processors.allowed)
    let usable = topology.processors.filter { allowed.contains($0.id) }
    if !usable.isEmpty { return usable }
    return [Topology.Processor(id: processors.allowed.first ?? 0, core: 0, kind: .performance)]
  }

  /// One hardware thread of each usable core.
  var usableCores: [Topology.Processor] {
    var seen: Set<Int> = []
    return usable.filter { seen.insert($0.core).inserted }
  }
}
