import Hardware
import Testing

/// Machines written down here: what matters for threads and nothing else.
@Suite("Where compute threads go")
struct PlacementTests {
  private func snapshot(_ lines: String) throws -> MachineSnapshot {
    MachineSnapshot(SystemFiles(try CapturedTree("spark hardware capture 1\n" + lines)))
  }

  /// Two fast cores of two hardware threads, 2-3 and 0-1, and four slow ones.
  private let hybrid = """
    proc/self/status = Cpus_allowed_list: 0-7
    sys/devices/system/cpu/online = 0-7
    sys/devices/system/cpu/cpu{0-1}/topology/thread_siblings_list = 0-1
    sys/devices/system/cpu/cpu{2-3}/topology/thread_siblings_list = 2-3
    sys/devices/system/cpu/cpu4/topology/thread_siblings_list = 4
    sys/devices/system/cpu/cpu5/topology/thread_siblings_list = 5
    sys/devices/system/cpu/cpu6/topology/thread_siblings_list = 6
    sys/devices/system/cpu/cpu7/topology/thread_siblings_list = 7
    """

  private func clocks(_ fast: Int, _ favoured: Int, _ slow: Int) -> String {
    """

    sys/devices/system/cpu/cpu{0-1}/cpufreq/cpuinfo_max_freq = \(fast)
    sys/devices/system/cpu/cpu{2-3}/cpufreq/cpuinfo_max_freq = \(favoured)
    sys/devices/system/cpu/cpu{4-7}/cpufreq/cpuinfo_max_freq = \(slow)
    """
  }

  @Test("Clocks alone tell fast cores from slow ones, and which of the fast ones is best")
  func clocksAlone() throws {
    let snapshot = try snapshot(hybrid + clocks(5_200_000, 5_300_000, 3_900_000))
    #expect(snapshot.machine.topology.performanceCores == 2)
    #expect(snapshot.machine.topology.efficiencyCores == 4)
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == 2)
    #expect(advice.placement == [2, 0])
    #expect(advice.processors == [0, 1, 2, 3])
  }

  @Test("Capacities are believed before clocks")
  func capacities() throws {
    let capacities = """

      sys/devices/system/cpu/cpu{0-3}/cpu_capacity = 500
      sys/devices/system/cpu/cpu{4-7}/cpu_capacity = 1024
      """
    let advice = Recommendation(
      for: try snapshot(hybrid + capacities + clocks(5_200_000, 5_300_000, 3_900_000)))
    #expect(advice.placement == [4, 5, 6, 7])
    #expect(advice.processors == [4, 5, 6, 7])
  }

  @Test("Cores that differ by a turbo step are of one kind, the fastest first")
  func favouredCores() throws {
    let snapshot = try snapshot(hybrid + clocks(5_200_000, 5_300_000, 5_000_000))
    #expect(snapshot.machine.topology.efficiencyCores == 0)
    let advice = Recommendation(for: snapshot)
    #expect(advice.placement == [2, 0, 4, 5, 6, 7])
    #expect(advice.confinement(of: 6, on: snapshot.machine) == nil)
  }

  @Test("One clock that is not known makes all of them unknown")
  func missingClock() throws {
    let snapshot = try snapshot(
      hybrid + "\nsys/devices/system/cpu/cpu{0-3}/cpufreq/cpuinfo_max_freq = 5200000")
    #expect(snapshot.machine.topology.processors.allSatisfy { $0.clock == nil })
    #expect(Recommendation(for: snapshot).placement == [0, 2, 4, 5, 6, 7])
  }

  @Test(
    "Threads stay on the fast cores' hardware threads, unless more are asked for than there are")
  func confinement() throws {
    let snapshot = try snapshot(hybrid + clocks(5_200_000, 5_200_000, 3_900_000))
    let advice = Recommendation(for: snapshot)
    #expect(advice.confinement(of: 1, on: snapshot.machine) == [0, 1, 2, 3])
    #expect(advice.confinement(of: 2, on: snapshot.machine) == [0, 1, 2, 3])
    #expect(advice.confinement(of: 3, on: snapshot.machine) == nil)
  }

  @Test("A mask that leaves slow cores only makes the best of them")
  func slowCoresOnly() throws {
    let masked = hybrid.replacing("Cpus_allowed_list: 0-7", with: "Cpus_allowed_list: 5,7")
    let snapshot = try snapshot(masked + clocks(5_200_000, 5_200_000, 3_900_000))
    let advice = Recommendation(for: snapshot)
    #expect(advice.placement == [5, 7])
    #expect(advice.confinement(of: 2, on: snapshot.machine) == nil)
  }

  @Test("Hardware threads of one core count once, and all of them may be used")
  func hardwareThreads() throws {
    let snapshot = try snapshot(
      """
      proc/self/status = Cpus_allowed_list: 0-7
      sys/devices/system/cpu/online = 0-7
      sys/devices/system/cpu/cpu{0,4}/topology/thread_siblings_list = 0,4
      sys/devices/system/cpu/cpu{1,5}/topology/thread_siblings_list = 1,5
      sys/devices/system/cpu/cpu{2,6}/topology/thread_siblings_list = 2,6
      sys/devices/system/cpu/cpu{3,7}/topology/thread_siblings_list = 3,7
      """)
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == 4)
    #expect(advice.placement == [0, 1, 2, 3])
    #expect(advice.processors == Array(0..<8))
    #expect(advice.confinement(of: 4, on: snapshot.machine) == nil)
  }

  @Test(
    "A control group's time limits threads and not the cores that they are moved among",
    arguments: [
      ("100000 100000", 1), ("140000 100000", 1), ("150000 100000", 2), ("20000 100000", 1),
      ("max 100000", 2),
    ])
  func quota(_ maximum: String, _ threads: Int) throws {
    let group = """

      proc/self/cgroup = 0::/box
      sys/fs/cgroup/box/cpu.max = \(maximum)
      """
    let snapshot = try snapshot(hybrid + clocks(5_200_000, 5_200_000, 3_900_000) + group)
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == threads)
    #expect(advice.placement == Array([0, 2].prefix(threads)))
    #expect(advice.confinement(of: threads, on: snapshot.machine) == [0, 1, 2, 3])
  }

  @Test("An affinity mask of one hardware thread leaves one thread, there")
  func oneCore() throws {
    let masked = hybrid.replacing("Cpus_allowed_list: 0-7", with: "Cpus_allowed_list: 3")
    let snapshot = try snapshot(masked + clocks(5_200_000, 5_200_000, 3_900_000))
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == 1)
    #expect(advice.placement == [3])
    #expect(advice.confinement(of: 1, on: snapshot.machine) == nil)
  }

  @Test("Without files on cores each processor is a core, and nobody is confined")
  func missingFiles() throws {
    let snapshot = try snapshot("proc/self/status = Cpus_allowed_list: 2-4")
    let advice = Recommendation(for: snapshot)
    #expect(advice.placement == [2, 3, 4])
    #expect(advice.confinement(of: 3, on: snapshot.machine) == nil)
  }
}
