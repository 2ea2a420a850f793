import Hardware
import Testing

@Suite("Damaged trees")
struct MutationTests {
  /// Texts that replace a file's.
  private static let bad = [
    "", "0", "-1", "255000", "99999999999999999999", "NaN", "1e308", "text", "0-65535",
    "0-4294967295",
    "max max", "0x", "\u{0}\u{1}", "some avg10=1e400", ", , ,", "4095M",
    "0::/" + String(repeating: "a/", count: 500),
  ]

  @Test("10,000 damaged trees crash nothing and give plausible values or none")
  func mutations() throws {
    let seed: UInt64 = 20_260
    var random = SeededGenerator(seed: seed)
    let originals = try Fixture.allCases.map { try $0.tree() }
    for round in 0..<10_000 {
      var tree = originals[round % originals.count]
      let paths = tree.files.keys.sorted()
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let path = paths.randomElement(using: &random)!
        switch Int.random(in: 0..<4, using: &random) {
        case 0: tree[path] = nil
        case 1: tree[path] = Self.bad.randomElement(using: &random)!
        case 2: tree[path] = tree.files[paths.randomElement(using: &random)!]
        default:
          var bytes = Array((tree.files[path] ?? "").utf8)
          guard !bytes.isEmpty else { continue }
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
            in: 0...255, using: &random)
          tree[path] = String(decoding: bytes, as: UTF8.self)
        }
      }
      let files = SystemFiles(tree)
      let snapshot = MachineSnapshot(files)
      let advice = Recommendation(for: snapshot)
      let reading = SensorReader(files, of: snapshot).read()
      let temperatures = snapshot.conditions.temperatures
      let isPlausible =
        (1...65536).contains(advice.threads) && advice.placement.count == advice.threads
        && (1...64).contains(advice.batchWidth) && advice.caches.exact >= 0
        && advice.caches.packed >= 0
        && temperatures.allSatisfy { (1...126).contains($0.celsius ?? 1) }
        && (1...126).contains(reading.temperature ?? 1)
        && (0...1).contains(reading.memoryLeft ?? 0)
        && (0...100).contains(reading.memoryPressure ?? 0)
        && snapshot.conditions.frequencies.allSatisfy { (50...10000).contains($0.current ?? 50) }
        && snapshot.machine.caches.allSatisfy { $0.bytes > 0 && $0.bytes <= 1 << 32 }
        && (0...100).contains(snapshot.conditions.power.charge ?? 0)
      #expect(isPlausible, "seed \(seed), round \(round)")
      if !isPlausible { break }
    }
  }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
