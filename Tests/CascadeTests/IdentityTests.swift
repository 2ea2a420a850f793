import Cache
import Cascade
import Model
import TestSupport
import Testing

@Suite("Identities of blocks")
struct IdentityTests {
  /// Everything but the text that an identity is made from.
  private struct Ingredients {
    var model: ModelDigest
    var blockLength = 64
    var type = KeyValueType.f16
    var namespace = "home"
    var window = Window.sliding(tokens: 512)
    var sinks = 4
    var options = RecallOptions()
    var shape: Hyperparameters

    init() throws {
      let model = try TinyModel().load()
      self.model = ModelDigest(model)
      shape = model.shape
    }

    var root: BlockIdentity {
      BlockIdentity.root(
        model: model,
        layout: KVLayout(
          layers: shape.layers, kvHeads: shape.kvHeads, headDimension: shape.headDimension,
          blockLength: blockLength, type: type),
        plan: RecallPlan(
          window: window, sinks: sinks, options: options, blockLength: blockLength, shape: shape),
        namespace: namespace)
    }
  }

  @Test("Equal ingredients make equal identities")
  func equal() throws {
    let (first, second) = (try Ingredients().root, try Ingredients().root)
    #expect(first == second)
    let tokens: [TokenID] = [9, 8, 7, 1, 2, 3]
    let seen = [BlockIdentity(high: 1, low: 2)]
    #expect(first.child([1, 2, 3], seeing: seen) == second.child(tokens[3...], seeing: seen))
  }

  @Test("Each ingredient changes a sequence's root")
  func roots() throws {
    let plain = try Ingredients()
    var other = TinyModel()
    other.changed = ("blk.0.attn_q.weight", 0)
    let otherModel = ModelDigest(try other.load())
    let changes: [(String, (inout Ingredients) -> Void)] = [
      ("model", { $0.model = otherModel }), ("block length", { $0.blockLength = 32 }),
      ("type", { $0.type = .f32 }), ("namespace", { $0.namespace = "work" }),
      ("empty namespace", { $0.namespace = "" }),
      ("window", { $0.window = .sliding(tokens: 513) }), ("full window", { $0.window = .full }),
      ("sinks", { $0.sinks = 3 }), ("blocks", { $0.options.blocks += 1 }),
      ("no blocks", { $0.options.blocks = 0 }), ("routed", { $0.options.routed += 1 }),
      ("gate", { $0.options.gate += 0.5 }), ("every", { $0.options.every += 1 }),
      ("mean", { $0.options.scorer = .mean }),
      ("representatives", { $0.options.scorer = .representatives }),
      ("exact", { $0.options.scorer = .exact }),
      ("constant", { $0.options.placement = .constant }),
      ("clamped", { $0.options.placement = .clamped }),
    ]
    var found: [BlockIdentity: String] = [plain.root: "nothing"]
    for (name, change) in changes {
      var changed = plain
      change(&changed)
      let twin = found.updateValue(name, forKey: changed.root)
      #expect(twin == nil, "\(name) and \(twin ?? "") have one identity")
    }
  }

  @Test("Tokens, their order and number, the parent and seen blocks each change a child")
  func children() throws {
    let root = try Ingredients().root
    let (a, b) = (BlockIdentity(high: 1, low: 2), BlockIdentity(high: 3, low: 4))
    let children: [(String, BlockIdentity)] = [
      ("the parent itself", root), ("plain", root.child([1, 2, 3])),
      ("another token", root.child([1, 2, 4])), ("another order", root.child([2, 1, 3])),
      ("fewer tokens", root.child([1, 2])), ("more tokens", root.child([1, 2, 3, 0])),
      ("another parent", a.child([1, 2, 3])),
      ("a swapped parent", BlockIdentity(high: root.low, low: root.high).child([1, 2, 3])),
      ("the child's child", root.child([1, 2, 3]).child([1, 2, 3])),
      ("one seen", root.child([1, 2, 3], seeing: [a])),
      ("another seen", root.child([1, 2, 3], seeing: [b])),
      ("both seen", root.child([1, 2, 3], seeing: [a, b])),
      ("seen in another order", root.child([1, 2, 3], seeing: [b, a])),
      ("seen twice", root.child([1, 2, 3], seeing: [a, a])),
      // The bytes of two seen blocks' numbers, as tokens instead.
      ("tokens like seen blocks", root.child([1, 2, 3, 1, 0, 2, 0])),
    ]
    #expect(Set(children.map(\.1)).count == children.count)
  }

  @Test("Any one token of a long text changes all identities from its block on")
  func chains() throws {
    let root = try Ingredients().root
    func chain(_ tokens: [TokenID]) -> [BlockIdentity] {
      var all: [BlockIdentity] = []
      for start in stride(from: 0, to: tokens.count, by: 16) {
        all.append((all.last ?? root).child(tokens[start..<start + 16]))
      }
      return all
    }
    for seed in 0..<40 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let tokens = random.tokens(160, below: 1000)
      var changed = tokens
      let at = random.count(0...159)
      changed[at] += 1 << Int32(random.count(0...30))
      let (before, after) = (chain(tokens), chain(changed))
      for block in 0..<10 {
        #expect((before[block] == after[block]) == (block < at / 16), "seed \(seed), token \(at)")
      }
      #expect(Set(before).count == 10, "seed \(seed)")
    }
  }

  @Test("A model's digest depends on its tensors' ends and its shape, not on the file object")
  func digests() throws {
    func digest(_ change: (inout TinyModel) -> Void) throws -> ModelDigest {
      var model = TinyModel()
      change(&model)
      return ModelDigest(try model.load())
    }
    let plain = try digest { _ in }
    #expect(try digest { _ in } == plain)
    let changed = [
      try digest { $0.changed = ("blk.0.attn_q.weight", 0) },
      try digest { $0.changed = ("blk.0.attn_q.weight", 255) },
      try digest { $0.changed = ("blk.0.attn_q.weight", 4095) },
      try digest { $0.changed = ("blk.0.attn_q.weight", 4096 - 256) },
      try digest { $0.changed = ("output_norm.weight", 64) },
      try digest { $0.changed = ("token_embd.weight", 1) },
      try digest { $0.vocabulary = 25 }, try digest { $0.ropeBase = 10001 },
    ]
    #expect(Set(changed + [plain]).count == changed.count + 1)
  }

  @Test("Names never run together")
  func names() {
    let numbers = [
      UInt64(naming: "home", "one"), UInt64(naming: "homeo", "ne"), UInt64(naming: "homeone"),
      UInt64(naming: "home", "one", ""), UInt64(naming: ""), UInt64(naming: "", ""),
      UInt64(naming: "one", "home"),
      // Canonically equal, and not the same name.
      UInt64(naming: "caf\u{e9}"), UInt64(naming: "cafe\u{301}"),
    ]
    #expect(Set(numbers).count == numbers.count)
    #expect(UInt64(naming: "home", "one") == numbers[0])
  }
}
