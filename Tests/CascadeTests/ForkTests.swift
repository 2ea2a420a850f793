import Cascade
import Model
import TestSupport
import Testing

@Suite("Forks of a working memory")
struct ForkTests {
  /// A sequence that stores what it reads in its blocks, and knows what it has read.
  private final class Reader {
    var memory: WorkingMemory
    var history: [UInt16]

    init(_ memory: consuming WorkingMemory, _ history: [UInt16] = []) {
      self.memory = memory
      self.history = history
    }

    func fork(in pool: KVBlockPool) -> Reader { Reader(memory.fork(in: pool), history) }

    /// Reads tokens that no other reader has read.
    func read(_ numbers: Range<UInt16>, in pool: KVBlockPool, step: Step) -> Bool {
      step.clear()
      let (start, tokens) = (memory.count, [TokenID](repeating: 7, count: numbers.count))
      guard memory.append(tokens.span, to: step, from: pool, logits: 0) else { return false }
      for (offset, number) in numbers.enumerated() {
        let block = memory.heldBlock((start + offset) / memory.blockLength)!
        #expect(!pool.isShared(block), "a block is written while it has two holders")
        slots(block, in: pool)[(start + offset) % memory.blockLength] = number
      }
      history += numbers
      return true
    }

    /// The first channel of a block's keys: a number for each token.
    private func slots(_ block: KVBlockID, in pool: KVBlockPool) -> UnsafeMutablePointer<UInt16> {
      UnsafeMutableRawPointer(pool.pointer(to: block)).assumingMemoryBound(to: UInt16.self)
    }

    /// What the blocks that it holds say of its past.
    func isIntact(in pool: KVBlockPool) -> Bool {
      history.count == memory.count
        && history.indices.allSatisfy { index in
          guard let block = memory.heldBlock(index / memory.blockLength) else {
            return index < memory.firstBlock(seenBy: memory.count) * memory.blockLength
          }
          return slots(block, in: pool)[index % memory.blockLength] == history[index]
        }
    }

    /// How often it holds each block.
    var held: [KVBlockID] {
      let sink = memory.heldBlock(0).flatMap { memory.held.contains($0) ? nil : $0 }
      return memory.held + (sink.map { [$0] } ?? [])
    }
  }

  @Test(
    "Whatever forks read, take back and let go of, each keeps its own history and the pool its blocks",
    arguments: 0..<60 as Range<UInt64>)
  func histories(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let length = [16, 32].randomElement(using: &random)!
    let window: Window =
      random.count(0...1) == 0 ? .full : .sliding(tokens: random.count(1...100))
    let pool = try KVBlockPool(
      layout: KVLayout(layers: 1, kvHeads: 1, headDimension: 2, blockLength: length),
      capacity: random.count(8...60))
    let step = try Step(maxRows: 128, maxLogitRows: 1, maxSpans: 8192)
    let first = WorkingMemory(
      window: window, sinks: random.count(0...8), blockLength: length, capacity: 1024,
      stepTokens: 128)
    var readers = [Reader(first)]
    var (next, refusals) = (UInt16(1), 0)
    for _ in 0..<400 {
      let reader = readers.randomElement(using: &random)!
      switch random.count(0...9) {
      case 0...4:
        let count = UInt16(random.count(1...40))
        let before = (pool.available, reader.memory.count, reader.held)
        if reader.memory.count < 900, reader.read(next..<next + count, in: pool, step: step) {
          next += count
        } else {
          refusals += 1
          #expect(before == (pool.available, reader.memory.count, reader.held))
        }
        // Back to anywhere from where the window has not slid on yet.
        let least = reader.memory.count - random.count(0...50)
        if random.count(0...2) == 0, least >= 0,
          reader.memory.firstBlock(seenBy: least) >= reader.memory.leaving.lowerBound
        {
          reader.memory.retract(to: least, in: pool)
          reader.history.removeLast(reader.history.count - least)
        }
        reader.memory.slide(in: pool)
      case 5...7: if readers.count < 8 { readers.append(reader.fork(in: pool)) }
      default:
        reader.memory.removeAll(from: pool)
        readers.removeAll { $0 === reader }
        if readers.isEmpty {
          readers.append(
            Reader(
              WorkingMemory(window: window, sinks: 4, blockLength: length, capacity: 1024)))
        }
      }
      for reader in readers { #expect(reader.isIntact(in: pool), "seed \(seed)") }
      let held = readers.flatMap(\.held)
      #expect(Set(held).count == pool.lent, "seed \(seed)")
      for block in Set(held) {
        #expect(pool.isShared(block) == (held.count { $0 == block } > 1))
      }
    }
    for reader in readers { reader.memory.removeAll(from: pool) }
    #expect(pool.lent == 0)
  }

  @Test(
    "A fork takes no block; who appends first to the shared last one takes a copy, the other none")
  func copies() throws {
    let layout = KVLayout(layers: 2, kvHeads: 1, headDimension: 4, blockLength: 16)
    let pool = try KVBlockPool(layout: layout, capacity: 4)
    let step = try Step(maxRows: 32, maxLogitRows: 1, maxSpans: 64)
    let one = Reader(WorkingMemory(window: .full, sinks: 0, blockLength: 16, capacity: 64))
    #expect(one.read(1..<25, in: pool, step: step))
    let other = one.fork(in: pool)
    #expect(pool.lent == 2 && other.held == one.held)
    #expect(other.read(30..<31, in: pool, step: step))
    #expect(one.read(40..<41, in: pool, step: step))
    #expect(pool.lent == 3 && other.held[0] == one.held[0] && other.held[1] != one.held[1])
    let copied = (one.memory.copied, other.memory.copied)
    #expect(copied == (0, 1))
    // At a block's end there is nothing to copy.
    #expect(one.read(41..<48, in: pool, step: step))
    let third = one.fork(in: pool)
    #expect(third.read(60..<61, in: pool, step: step))
    #expect(pool.lent == 4 && third.memory.copied == 0)
    // Nothing is left: neither for a block nor for a copy, and what is there stays as it is.
    let fourth = third.fork(in: pool)
    let refused = [
      one.read(70..<71, in: pool, step: step), fourth.read(70..<71, in: pool, step: step),
    ]
    #expect(refused == [false, false])
    for reader in [one, other, third, fourth] {
      #expect(reader.isIntact(in: pool))
      reader.memory.removeAll(from: pool)
    }
    #expect(pool.lent == 0)
  }
}
