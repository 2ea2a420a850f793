import Cache
import Cascade
import Model
import TestSupport
import Testing

@Suite("Forks of a sequence")
struct SequenceForkTests {
  /// Sequences on a tiny model whose window slides and which recall.
  private final class World {
    static let vocabulary = 24
    let store: EpisodeStore
    let pool: KVBlockPool
    private let step: Step
    private let pass: ForwardPass
    private let recaller: Recaller

    init(scope: MemoryScope = .session) throws {
      let compute = try Compute(threads: 1)
      let model = try TinyModel(vocabulary: Self.vocabulary).load()
      let layout = KVLayout(
        layers: model.shape.layers, kvHeads: model.shape.kvHeads,
        headDimension: model.shape.headDimension, blockLength: 16)
      pool = try KVBlockPool(layout: layout, capacity: 64)
      step = try Step(maxRows: 64, maxLogitRows: 64, maxSpans: 8192)
      pass = try ForwardPass(
        model: model, compute: compute, layout: layout, step: step, maxPositions: 512)
      let plan = RecallPlan(
        window: .sliding(tokens: 32), sinks: 2,
        // A gate that lets everything in, as made-up words tell nothing.
        options: RecallOptions(blocks: 3, gate: 0, every: 4), blockLength: 16, shape: model.shape)
      store = try EpisodeStore(
        layout: layout, plan: plan, model: model, rope: pass.rope,
        rarity: TokenRarity(vocabularySize: Self.vocabulary, passageLength: 16),
        marks: TokenMarks([]), directory: nil,
        options: StoreOptions(), now: { 0 })
      recaller = Recaller(plan: plan, pool: pool, rope: pass.rope, compute: compute)
      pass.views = recaller
    }

    func sequence(_ session: String = "here") -> SequenceMemory {
      SequenceMemory(
        owner: MemoryOwner(scope: .session, namespace: "tests", session: session),
        capacity: 4096, stepTokens: 64, turnEnds: [], store: store)
    }

    /// Reads a token of each sequence in one pass, and answers with the scores behind each.
    func read(_ tokens: [TokenID], of sequences: [SequenceMemory]) -> [[Float]] {
      step.clear()
      recaller.attendToNone()
      for (token, sequence) in zip(tokens, sequences) {
        precondition(sequence.append([token].span, to: step, from: pool, logits: 1))
        recaller.attend(to: sequence)
      }
      pass.prepare(positions: 512)
      pass.run()
      for sequence in sequences { sequence.slide(in: pool) }
      let pass = pass
      return sequences.indices.map { row in
        let logits = pass.logits(row)
        return logits.indices.map { logits[$0] }
      }
    }

    func kept() -> Set<BlockIdentity> { Set(store.identities()) }
  }

  @Test(
    "A fork sees, token by token, what a sequence sees that has always read the same",
    arguments: 0..<8 as Range<UInt64>)
  func sameBits(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let world = try World()
    let text = random.tokens(random.count(1...200), below: World.vocabulary)
    let (one, control) = (world.sequence(), world.sequence("control"))
    for token in text { _ = world.read([token, token], of: [one, control]) }
    let other = one.fork(in: world.pool)
    // Each its own way: the fork and the control agree, and the original is beside them.
    var isApart = false
    for _ in 0..<120 {
      let (mine, theirs) = (
        random.tokens(1, below: World.vocabulary)[0], random.tokens(1, below: World.vocabulary)[0]
      )
      let scores = world.read([mine, theirs, theirs], of: [one, other, control])
      #expect(scores[1] == scores[2], "seed \(seed)")
      isApart = isApart || scores[0] != scores[1]
    }
    #expect(isApart && control.account.recalled > 0)
    #expect(other.account.recalled == control.account.recalled)
    #expect(other.identities == control.identities && other.tokens == control.tokens)
    one.drop(in: world.pool)
    other.end(in: world.pool)
    control.end(in: world.pool)
    #expect(world.pool.lent == 0)
  }

  @Test(
    "Of a sequence and its forks the store keeps what the chosen one has, and nothing of the others",
    arguments: 0..<8 as Range<UInt64>)
  func leavings(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let (world, plain) = (try World(), try World())
    let control = plain.sequence()
    var sequences = [world.sequence()]
    var texts: [[TokenID]] = [[]]
    for _ in 0..<random.count(100...300) {
      if sequences.count < 5, random.count(0...20) == 0 {
        let place = random.count(0...sequences.count - 1)
        sequences.append(sequences[place].fork(in: world.pool))
        texts.append(texts[place])
      } else if sequences.count > 1, random.count(0...40) == 0 {
        let place = random.count(0...sequences.count - 1)
        sequences.remove(at: place).drop(in: world.pool)
        texts.remove(at: place)
      }
      let tokens = random.tokens(sequences.count, below: World.vocabulary)
      for place in tokens.indices { texts[place].append(tokens[place]) }
      _ = world.read(tokens, of: sequences)
    }
    let chosen = random.count(0...sequences.count - 1)
    for token in texts[chosen] { _ = plain.read([token], of: [control]) }
    sequences[chosen].end(in: world.pool)
    for place in sequences.indices where place != chosen { sequences[place].drop(in: world.pool) }
    control.end(in: plain.pool)
    #expect(world.kept() == plain.kept(), "seed \(seed)")
    #expect(sequences[chosen].kept(untold: []) == control.kept(untold: []))
    #expect(world.pool.lent == 0)
  }

  @Test("A block that another reply has put as well stays when a fork that had put it is dropped")
  func others() throws {
    let world = try World()
    let one = world.sequence()
    for token in 0..<20 as Range<TokenID> { _ = world.read([token], of: [one]) }
    let fork = one.fork(in: world.pool)
    let bystander = world.sequence("other")
    for token in 0..<20 as Range<TokenID> { _ = world.read([token], of: [bystander]) }
    for token in 0..<60 as Range<TokenID> {
      _ = world.read([token % 5, token % 7, token % 7], of: [one, fork, bystander])
    }
    bystander.end(in: world.pool)
    let kept = Set(bystander.kept(untold: []).blocks)
    fork.drop(in: world.pool)
    #expect(kept.isSubset(of: world.kept()))
    one.drop(in: world.pool)
    #expect(kept.isSubset(of: world.kept()) && world.pool.lent == 0)
  }
}
