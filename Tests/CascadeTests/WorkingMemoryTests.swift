import CKernels
import Cascade
import Model
import TestSupport
import Testing

@Suite("Working memory")
struct WorkingMemoryTests {
  /// One token that another sees: where it is stored, and how far away it stands.
  private struct Sight: Equatable {
    var block: Int
    var slot: Int
    var distance: Int
  }

  private struct Shape: CustomStringConvertible {
    var window: Window
    var sinks: Int
    var blockLength: Int
    var rooms = 0
    var every = 1

    init(_ random: inout SeededGenerator, recalls: Bool = false) {
      blockLength = [16, 32, 48].randomElement(using: &random)!
      window =
        random.count(0...7) == 0
        ? .full : .sliding(tokens: random.count(1...150))
      sinks = random.count(0...20)
      guard recalls else { return }
      rooms = random.count(1...4)
      every = random.count(1...40)
    }

    var description: String {
      "\(window), \(sinks) sinks, blocks of \(blockLength), \(rooms) rooms, every \(every)"
    }

    /// What token `index` sees, spelt out anew: all before it until a whole block is older than its
    /// window; then the sinks, and right behind them the blocks that its window touches.
    func sights(of index: Int) -> [Sight] {
      var first = 0
      if case .sliding(let tokens) = window {
        while first + blockLength <= index + 1 - tokens { first += blockLength }
      }
      func sight(_ token: Int, distance: Int) -> Sight {
        Sight(block: token / blockLength, slot: token % blockLength, distance: distance)
      }
      let window = (first...index).map { sight($0, distance: index - $0) }
      guard first > 0 else { return window }
      let shown = min(sinks, blockLength)
      return (0..<shown).map { sight($0, distance: shown - $0 + index - first) } + window
    }

    /// The first block in the window of token `index`.
    func firstBlock(_ index: Int) -> Int {
      guard case .sliding(let tokens) = window else { return 0 }
      return max(0, index + 1 - tokens) / blockLength
    }
  }

  /// A sequence read without a model.
  private final class Reader {
    let shape: Shape
    let pool: KVBlockPool
    let step: Step
    var memory: WorkingMemory
    /// What each token has seen.
    var sights: [[Sight]] = []
    /// The places of the latest step.
    var views: [RunView] = []

    init(_ shape: Shape, blocks: Int = 64) throws {
      self.shape = shape
      pool = try KVBlockPool(
        layout: KVLayout(
          layers: 1, kvHeads: 1, headDimension: 2, blockLength: shape.blockLength),
        capacity: blocks)
      step = try Step(maxRows: 512, maxLogitRows: 512, maxSpans: 65536)
      memory = WorkingMemory(
        window: shape.window, sinks: shape.sinks, blockLength: shape.blockLength, capacity: 1024,
        stepTokens: 512)
    }

    /// Reads `count` tokens in one step, and takes back the last `refused` of them.
    func read(_ count: Int, refused: Int = 0) -> Bool {
      step.clear()
      views = []
      let tokens = [TokenID](repeating: 7, count: count)
      let start = memory.count
      guard
        memory.append(
          tokens.span, to: step, from: pool, logits: 0, rooms: shape.rooms, every: shape.every,
          views: &views)
      else { return false }
      look(from: start)
      memory.retract(to: memory.count - refused, in: pool)
      sights.removeLast(refused)
      memory.slide(in: pool)
      return true
    }

    /// Reads until there are `count` tokens, in random steps.
    func read(until count: Int, _ random: inout SeededGenerator) {
      while memory.count < count {
        let most = min(count - memory.count, random.count(0...3) == 0 ? 400 : 60)
        let isRead = read(random.count(1...most))
        #expect(isRead)
      }
    }

    private func look(from start: Int) {
      var blocks: [UnsafePointer<UInt8>: Int] = [:]
      for block in 0...(memory.count / shape.blockLength) {
        guard let held = memory.heldBlock(block) else { continue }
        blocks[UnsafePointer(pool.pointer(to: held))] = block
      }
      for run in (0..<step.runCount).map({ step.runs[$0] }) {
        for row in run.row..<run.row + run.rows {
          var seen: [Sight] = []
          let position = run.position + row - run.row
          for span in (run.span..<run.span + run.spans).map({ step.spans[Int($0)] }) {
            for slot in span.first..<max(span.first, span.count)
            where span.start + slot <= position {
              seen.append(
                Sight(
                  block: blocks[span.block]!, slot: Int(slot),
                  distance: Int(position - span.start - slot)))
            }
          }
          #expect(sights.count == start + Int(row))
          sights.append(seen)
        }
      }
    }
  }

  @Test(
    "What a token sees depends on its index alone, not on how the text was cut into steps",
    arguments: 0..<40 as Range<UInt64>)
  func cuts(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let shape = Shape(&random, recalls: Bool.random(using: &random))
    let length = random.count(1...500)
    for _ in 0..<3 {
      let reader = try Reader(shape)
      reader.read(until: length, &random)
      #expect(reader.sights.count == length)
      for (index, sights) in reader.sights.enumerated() {
        #expect(sights == shape.sights(of: index), "token \(index): \(shape)")
        #expect(reader.memory.firstBlock(seenBy: index) == shape.firstBlock(index))
      }
      reader.memory.removeAll(from: reader.pool)
      #expect(reader.pool.lent == 0 && reader.memory.count == 0 && reader.memory.evicted == 0)
    }
  }

  @Test(
    "Tokens that are taken back leave no trace: neither blocks nor what later ones see",
    arguments: 0..<40 as Range<UInt64>)
  func refused(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let shape = Shape(&random, recalls: Bool.random(using: &random))
    let (plain, reader) = (try Reader(shape), try Reader(shape))
    while plain.memory.count < 400 {
      let (kept, refused) = (random.count(1...40), random.count(0...70))
      let isRead = plain.read(kept) && reader.read(kept + refused, refused: refused)
      #expect(isRead)
      #expect(reader.memory.count == plain.memory.count, "\(shape)")
      #expect(reader.memory.evicted == plain.memory.evicted)
      #expect(reader.memory.leaving == plain.memory.leaving)
      #expect(reader.memory.heldBlocks == plain.memory.heldBlocks)
      #expect(reader.pool.lent == plain.pool.lent)
      #expect(Set(reader.memory.held).count == reader.memory.held.count)
    }
    #expect(reader.sights == plain.sights)
  }

  @Test("The end of a block can be cleared, and nothing else", arguments: [0, 1, 15, 31, 32])
  func clearing(slot: Int) throws {
    let layout = KVLayout(layers: 2, kvHeads: 2, headDimension: 3, blockLength: 32)
    let pool = try KVBlockPool(layout: layout, capacity: 3)
    let blocks = [pool.take()!, pool.take()!, pool.take()!]
    for block in blocks {
      pool.pointer(to: block).update(repeating: 1, count: layout.blockByteCount)
    }
    pool.clear(blocks[1], from: slot)
    for block in [blocks[0], blocks[2]] {
      let bytes = UnsafeBufferPointer(start: pool.pointer(to: block), count: layout.blockByteCount)
      #expect(bytes.allSatisfy { $0 == 1 })
    }
    let stride = layout.valueStride
    for layer in 0..<2 {
      let base = pool.pointer(to: blocks[1]) + layer * layout.layerByteCount
      for head in 0..<2 {
        for channel in 0..<3 {
          for token in 0..<32 {
            let key = ((head * 3 + channel) * 32 + token) * 2
            #expect(base[key] == (token < slot ? 1 : 0) && base[key + 1] == base[key])
          }
        }
        for token in 0..<32 {
          for place in 0..<stride {
            let value = (2 * 3 * 32 + (head * 32 + token) * stride + place) * 2
            #expect(base[value] == (token < slot ? 1 : 0) && base[value + 1] == base[value])
          }
        }
      }
    }
  }

  @Test("Each token goes to its own slot of its own block", arguments: 0..<10 as Range<UInt64>)
  func slots(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let shape = Shape(&random)
    let reader = try Reader(shape)
    var last: [KVBlockID] = []
    while reader.memory.count < 400 {
      let start = reader.memory.count
      let isRead = reader.read(random.count(1...50))
      #expect(isRead)
      last = reader.memory.held
      // A token sees itself, so its own block and slot are the last that it sees.
      for (index, sights) in reader.sights.enumerated().dropFirst(start) {
        #expect(sights.last?.block == index / shape.blockLength, "\(shape)")
        #expect(sights.last?.slot == index % shape.blockLength, "\(shape)")
      }
    }
    #expect(Set(last).count == last.count)
  }

  @Test(
    "Runs are cut at multiples of the interval, where the window slides, and nowhere else",
    arguments: 0..<40 as Range<UInt64>)
  func runs(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let shape = Shape(&random, recalls: true)
    let reader = try Reader(shape)
    for _ in 0..<8 {
      let start = reader.memory.count
      let isRead = reader.read(random.count(1...120))
      #expect(isRead)
      let end = reader.memory.count
      let expected = (start..<end).filter {
        $0 == start || $0 % shape.every == 0 || shape.firstBlock($0) != shape.firstBlock($0 - 1)
      }
      #expect(reader.views.map(\.index) == expected, "\(shape)")
      #expect(reader.step.runCount == expected.count)
      for (view, next) in zip(reader.views, expected.dropFirst() + [end]) {
        #expect(view.row == view.index - start && view.rows == next - view.index)
        #expect(view.firstBlock == shape.firstBlock(view.index))
      }
    }
  }

  @Test(
    "Each run keeps room for what is recalled, between its sinks and its window",
    arguments: 0..<20 as Range<UInt64>)
  func rooms(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let shape = Shape(&random, recalls: true)
    let reader = try Reader(shape)
    for _ in 0..<6 {
      let isRead = reader.read(random.count(1...120))
      #expect(isRead)
      for (number, view) in reader.views.enumerated() {
        let run = reader.step.runs[number]
        let hasSinks = reader.memory.sinks > 0
        #expect(view.sinkPlace == Int(run.span), "\(shape)")
        #expect(view.room == view.sinkPlace + (hasSinks ? 1 : 0))
        #expect(view.windowPlace == view.room + shape.rooms)
        for place in view.room..<view.windowPlace {
          #expect(reader.step.spans[place].count == 0)
        }
        let hasSlid = view.firstBlock > 0
        if hasSinks {
          #expect(
            Int(reader.step.spans[view.sinkPlace].count) == (hasSlid ? reader.memory.sinks : 0))
        }
        #expect(
          Int(reader.step.spans[view.windowPlace].start) == (hasSlid ? reader.memory.sinks : 0))
        // Recalled blocks stand at negative positions; the tables must reach from there.
        let farthest = Int(run.position + run.rows) + shape.rooms * shape.blockLength
        #expect(reader.step.positions >= farthest)
      }
    }
  }

  @Test(
    "A sequence that begins behind blocks read before is like one that was never interrupted",
    arguments: 0..<80 as Range<UInt64>)
  func adoption(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let shape = Shape(&random, recalls: Bool.random(using: &random))
    let blocks = random.count(1...500 / shape.blockLength)
    let length = blocks * shape.blockLength
    let whole = try Reader(shape)
    whole.read(until: length, &random)
    let resumed = try Reader(shape)
    let adopted = resumed.memory.adopt(length, from: resumed.pool)
    let numbers = try #require(adopted)

    // Exactly what the other holds, and told in order.
    func held(_ reader: Reader) -> [Int] {
      (0..<blocks).filter { reader.memory.heldBlock($0) != nil }
    }
    #expect(numbers == held(whole) && held(resumed) == numbers, "\(shape), \(blocks) blocks")
    #expect(Set(numbers.map { resumed.memory.heldBlock($0) }).count == numbers.count)
    func compare() {
      #expect(resumed.memory.count == whole.memory.count)
      #expect(resumed.memory.evicted == whole.memory.evicted, "\(shape), \(blocks) blocks")
      #expect(resumed.memory.heldBlocks == whole.memory.heldBlocks)
      #expect(resumed.memory.held.count == whole.memory.held.count)
      #expect(resumed.memory.leaving == whole.memory.leaving)
      #expect(resumed.pool.lent == whole.pool.lent)
      #expect(resumed.pool.lent == resumed.memory.heldBlocks)
    }
    compare()
    // Behind them one by one, the last of them not full.
    for count in [shape.blockLength, random.count(1...shape.blockLength - 1)] {
      whole.read(until: whole.memory.count + count, &random)
      let next = resumed.memory.adoptNext(count, from: resumed.pool)
      #expect(next != nil && next == resumed.memory.held.last)
      resumed.memory.slide(in: resumed.pool)
      compare()
    }
    resumed.sights = whole.sights
    // And goes on so.
    for _ in 0..<4 {
      let more = random.count(1...100)
      let (isRead, isReadWhole) = (resumed.read(more), whole.read(more))
      #expect(isRead && isReadWhole)
      #expect(resumed.sights == whole.sights, "\(shape), \(blocks) blocks")
      compare()
    }
    resumed.memory.removeAll(from: resumed.pool)
    #expect(resumed.pool.lent == 0)
  }

  @Test("A pool with too few blocks adopts none and leaves the sequence empty")
  func refused() throws {
    var random = SeededGenerator(seed: 1)
    var shape = Shape(&random)
    shape.window = .sliding(tokens: 64)
    shape.sinks = 4
    shape.blockLength = 16
    // Ten blocks before: the window's next token sees four of them, and the sinks.
    let reader = try Reader(shape, blocks: 4)
    let refused = reader.memory.adopt(160, from: reader.pool)
    #expect(refused == nil)
    #expect(reader.memory.count == 0 && reader.memory.held.isEmpty && reader.pool.lent == 0)
    let roomier = try Reader(shape, blocks: 5)
    let adopted = roomier.memory.adopt(160, from: roomier.pool)
    #expect(adopted == [0, 6, 7, 8, 9])
  }

  @Test(
    "What leaves is what slides away, and no block is held longer",
    arguments: 0..<12 as Range<UInt64>)
  func leaving(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var shape = Shape(&random)
    shape.window = .sliding(tokens: random.count(1...100))
    let reader = try Reader(shape)
    let sinks = reader.memory.sinks
    for _ in 0..<60 {
      let tokens = random.tokens(random.count(1...90), below: 9)
      reader.step.clear()
      let isRead = reader.memory.append(
        tokens.span, to: reader.step, from: reader.pool, logits: 0)
      #expect(isRead)
      let leaving = reader.memory.leaving
      let next = shape.firstBlock(reader.memory.count)
      #expect(leaving.upperBound == max(leaving.lowerBound, next))
      let before = leaving.map { reader.memory.heldBlock($0) }
      #expect(!before.contains(nil))
      reader.memory.slide(in: reader.pool)
      for block in leaving {
        #expect((reader.memory.heldBlock(block) != nil) == (block == 0 && sinks > 0), "\(shape)")
      }
      #expect(reader.memory.leaving.isEmpty)
      #expect(reader.memory.evicted == max(0, next * shape.blockLength - (next > 0 ? sinks : 0)))
      let held = (reader.memory.count + shape.blockLength - 1) / shape.blockLength - next
      #expect(reader.memory.heldBlocks == held + (next > 0 && sinks > 0 ? 1 : 0))
      #expect(
        reader.memory.heldBlocks
          <= WorkingMemory.blocks(
            shape.window, capacity: 0, blockLength: shape.blockLength, stepTokens: 90))
    }
  }
}
