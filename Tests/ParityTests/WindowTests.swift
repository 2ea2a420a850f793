import Cascade
import Model
import Testing

@Suite struct WindowTests {
  /// Windows and sinks as documented, spelt out anew: token t sees the first sinks at 0, 1, …, and
  /// right behind them every block that its last `window` tokens touch.
  private func places(
    _ t: Int, window: Int, sinks: Int, block: Int
  ) -> [ReferenceTransformer.Place] {
    var first = 0
    while first + block <= t + 1 - window { first += block }
    guard first > 0 else { return (0...t).map { ($0, $0) } }
    return (0..<sinks).map { ($0, $0) } + (first...t).map { ($0, sinks + $0 - first) }
  }

  private static func tokens(_ count: Int) -> [TokenID] {
    (0..<count).map { (index: Int) -> TokenID in
      let mixed = index * index * 31 + index * 7 + 5
      return TokenID(mixed % 4096)
    }
  }

  private func worst(_ a: [[Float]], _ b: [[Double]]) -> Double {
    var worst = a.count == b.count ? 0 : Double.infinity
    for (x, y) in zip(a, b).flatMap({ zip($0, $1) }) {
      let difference = abs(Double(x) - y)
      worst = difference.isNaN ? .infinity : max(worst, difference)
    }
    return worst
  }

  @Test(
    "a sliding window with sinks equals a reference that rotates every key anew",
    arguments: ["llama-gqa", "llama-yarn", "qwen3"], [0, 3])
  func sliding(name: String, sinks: Int) throws {
    let path = try GoldenModel(name).path
    let compute = try Compute(threads: 2)
    let model = try LanguageModel(file: GGUFFile(path: path), compute: compute)
    let tokens = Self.tokens(110)
    let runner = try Runner(
      model, compute, window: .sliding(tokens: 20), sinks: sinks, blockLength: 16)
    let found = runner.logits(tokens, chunk: 48)
    let expected = try ReferenceTransformer(path: path).logits(tokens) {
      places($0, window: 20, sinks: sinks, block: 16)
    }
    #expect(worst(found, expected) < 1e-3)
    #expect(runner.memory.evicted > 60)
  }

  @Test("a window as long as the text is plain attention, to the bit")
  func wide() throws {
    let path = try GoldenModel("llama-gqa").path
    let compute = try Compute(threads: 2)
    let model = try LanguageModel(file: GGUFFile(path: path), compute: compute)
    let tokens = Self.tokens(100)
    let full = try Runner(model, compute).logits(tokens, chunk: 512)
    let wide = try Runner(model, compute, window: .sliding(tokens: 100)).logits(tokens, chunk: 9)
    #expect(full == wide)
  }

  @Test(
    "a sequence holds a bounded number of blocks and gives all of them back", arguments: [0, 4])
  func bounded(sinks: Int) throws {
    let path = try GoldenModel("llama-gqa").path
    let compute = try Compute(threads: 2)
    let model = try LanguageModel(file: GGUFFile(path: path), compute: compute)
    let window = Window.sliding(tokens: 64)
    let runner = try Runner(
      model, compute, window: window, sinks: sinks, capacity: 2000, blockLength: 16)
    for start in stride(from: 0, to: 1500, by: 50) {
      _ = runner.logits(Self.tokens(1500)[start..<start + 50].map { $0 }, chunk: 50)
      #expect(
        runner.pool.lent
          <= WorkingMemory.blocks(window, capacity: 2000, blockLength: 16, stepTokens: 50))
    }
    #expect(runner.memory.count == 1500)
    runner.memory.removeAll(from: runner.pool)
    #expect(runner.pool.lent == 0)
  }

  @Test("an exhausted pool refuses a step and leaves the sequence as it was")
  func exhausted() throws {
    let path = try GoldenModel("llama-gqa").path
    let compute = try Compute(threads: 1)
    let model = try LanguageModel(file: GGUFFile(path: path), compute: compute)
    let runner = try Runner(model, compute, capacity: 64)  // three blocks
    var taken: [KVBlockID] = []
    while runner.pool.available > 1 { taken.append(runner.pool.take()!) }
    let hasRoom = runner.append(Self.tokens(65), to: &runner.memory, logits: 0)
    #expect(!hasRoom)
    #expect(runner.memory.count == 0 && runner.pool.available == 1)
    for block in taken { runner.pool.release(block) }
    #expect(runner.pool.available == runner.pool.capacity)
  }
}
