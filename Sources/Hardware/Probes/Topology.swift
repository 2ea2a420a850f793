/// How hardware threads are gathered into cores, and cores into packages.
package struct Topology: Codable, Equatable, Sendable {
  /// One hardware thread that is online.
  package struct Processor: Codable, Equatable, Sendable {
    package var id: Int
    /// Its core: equal for hardware threads of one core, counted from 0 over the machine.
    package var core: Int
    package var package: Int?
    package var kind: Kind
    /// The kernel's measure of its speed, 1024 being the fastest; nil where all are alike.
    package var capacity: Int?
    /// The highest clock in megahertz; nil where unknown or all alike.
    package var clock: Int?
  }

  package enum Kind: String, Codable, Sendable { case performance, efficiency }

  package var processors: [Processor]

  /// Cores of either kind.
  package var cores: Int { Set(processors.map(\.core)).count }
  /// Packages (sockets); nil where unknown.
  package var packages: Int? {
    let known = Set(processors.compactMap(\.package))
    return known.isEmpty ? nil : known.count
  }
  package var performanceCores: Int { count(.performance) }
  package var efficiencyCores: Int { count(.efficiency) }

  private func count(_ kind: Kind) -> Int {
    Set(processors.filter { $0.kind == kind }.map(\.core)).count
  }

  /// - Parameter allowed: processors to assume where the kernel does not list those online.
  init(_ files: SystemFiles, allowed: [Int]) {
    let folder = "sys/devices/system/cpu"
    let online = files.text(folder + "/online").flatMap(CPUList.init)?.processors ?? allowed
    // A list of 65536 that does not exist would otherwise be believed.
    let present = Set(files.numbers(of: "cpu", in: folder))
    let ids = present.isEmpty ? Array(online.prefix(4096)) : online.filter(present.contains)
    let slow = files.text("sys/devices/cpu_atom/cpus").flatMap(CPUList.init)?.processors ?? []
    let capacities = ids.map {
      files.integer("\(folder)/cpu\($0)/cpu_capacity", in: 1...1024)
    }
    let greatest = capacities.compactMap(\.self).max() ?? 0
    let areAlike = Set(capacities).count <= 1
    let clocks = ids.map {
      Frequency.megahertz(files, "\(folder)/cpu\($0)/cpufreq/cpuinfo_max_freq").map { Int($0) }
    }
    let areClocksKnown = !clocks.contains(nil) && Set(clocks).count > 1
    let highest = clocks.compactMap(\.self).max() ?? 0

    var cores: [String: Int] = [:]
    processors = zip(ids, zip(capacities, clocks)).map { id, speed in
      let (capacity, clock) = (speed.0, areClocksKnown ? speed.1 : nil)
      let topology = "\(folder)/cpu\(id)/topology/"
      let siblings =
        files.text(topology + "core_cpus_list") ?? files.text(topology + "thread_siblings_list")
      // A list without the processor itself is not one of its core.
      let isOurs = siblings.flatMap(CPUList.init)?.processors.contains(id) ?? false
      let key = isOurs ? siblings! : "only \(id)"
      let core = cores[key] ?? cores.count
      cores[key] = core
      // Middle cores of three-way designs count as fast ones.
      var isSlow = slow.contains(id) || (!areAlike && (capacity ?? greatest) * 100 < greatest * 60)
      // Where neither is told, clocks are: efficiency cores reach three quarters of the others', and the
      // best of one kind is less than a tenth ahead of the worst.
      if slow.isEmpty, areAlike, let clock { isSlow = clock * 100 < highest * 80 }
      return Processor(
        id: id, core: core,
        package: files.integer(topology + "physical_package_id", in: 0...65535),
        kind: isSlow ? .efficiency : .performance, capacity: areAlike ? nil : capacity,
        clock: clock)
    }
    if processors.allSatisfy({ $0.kind == .efficiency }) {
      for index in processors.indices { processors[index].kind = .performance }
    }
  }
}
