import Foundation
import Generation
import Model
import TestSupport
import Testing

/// Where the time of passes goes.
@Suite struct ProfileTests {
  private static let prompt = String(
    repeating: "The fox ran to the lake and the hen sang. ", count: 6)

  private static func reply(
    _ engine: Engine, tokens: Int = 60, text: String = prompt, scope: MemoryScope = .none,
    drafts: DraftOptions.Mode = .off, beams: BeamOptions? = nil
  ) async throws -> WholeReply {
    var options = GenerationOptions(
      maxTokens: tokens, sampling: .greedy, ignoresEndTokens: true, seed: 1, logprobs: 1,
      memory: MemoryOptions(scope: scope), drafts: DraftOptions(mode: drafts))
    options.beams = beams
    if beams != nil { options.logprobs = 0 }
    return try await WholeReply(engine.stream(.text(text), options: options))
  }

  private static func engine(
    _ options: EngineOptions = EngineOptions(threads: 1), slices: Int = 0
  ) throws -> Engine {
    var options = options
    options.profiling = ProfilingOptions(traceSlices: slices)
    return try EmbeddedModel.engine(options)
  }

  private static func model() throws -> LanguageModel {
    try LanguageModel(
      file: GGUFFile(path: EmbeddedModel.path), compute: Compute(threads: 1))
  }

  private static func layout(_ model: LanguageModel) -> KVLayout {
    KVLayout(
      layers: model.shape.layers, kvHeads: model.shape.kvHeads,
      headDimension: model.shape.headDimension)
  }

  // MARK: - Times

  @Test("the modules' times are all of the time, by another clock too")
  func sums() async throws {
    let engine = try Self.engine()
    let reply = try await Self.reply(engine, tokens: 200)
    let (profile, summary) = (try #require(await engine.profile), try #require(reply.summary))
    #expect(profile.phases.map(\.phase) == [.prefill, .decode])
    for phase in profile.phases {
      let sum = phase.modules.reduce(Duration.zero) { $0 + $1.time }
      #expect(sum == phase.time)
      #expect(phase.time <= profile.elapsed)
    }
    // The reply's own clock looks within the passes, around all that is computed in them.
    for (phase, told) in [
      (profile[.prefill]!, summary.prefillDuration), (profile[.decode]!, summary.decodeDuration),
    ] {
      let named = phase.modules.filter {
        ![.other, .sampling, .eviction, .fetch].contains($0.module)
      }
      let computed = named.reduce(Duration.zero) { $0 + $1.time }
      #expect(computed <= told && told <= phase.time)
      // How much of it, is left to `spark profile`: the system takes the thread away where it likes.
      #expect(named.filter { $0.time > .zero }.count >= 9)
    }
  }

  @Test("each moment is one module's, what goes on goes on, and nothing is booked between passes")
  func booking() throws {
    let model = try Self.model()
    let profile = try PassProfile(model: model, layout: Self.layout(model), slices: 16)
    profile.begin(.norm)
    profile.beginPass(.decode, at: 1000)
    profile.begin(.norm, at: 1010)
    profile.begin(.head, at: 1100)
    profile.begin(.head)
    profile.begin(.sampling, at: 1300)
    profile.noteRows(read: 0, decoded: 3)
    profile.endPass(at: 1350)
    profile.endPass(at: 9999)
    profile.begin(.norm)
    profile.beginPass(.prefill, at: 2000)
    profile.noteRows(read: 5, decoded: 0)
    profile.endPass(at: 2007)
    let run = profile.profile
    let decode = try #require(run[.decode])
    #expect(decode.time == .nanoseconds(350) && decode.passes == 1 && decode.rowsDecoded == 3)
    let times = [.other: 10, .norm: 90, .head: 200, .sampling: 50] as [ProfileModule: Int64]
    for module in decode.modules {
      #expect(module.time == .nanoseconds(times[module.module] ?? 0))
      #expect(module.calls == (times[module.module] == nil ? 0 : 1))
    }
    let prefill = try #require(run[.prefill])
    #expect(prefill.time == .nanoseconds(7) && prefill[.other].time == .nanoseconds(7))
    #expect(prefill.rowsRead == 5 && run[.mixed] == nil)
    #expect(run.elapsed == .nanoseconds(1007))
    profile.reset()
    #expect(profile.profile.phases.isEmpty && profile.trace?.slices.isEmpty == true)
  }

  @Test("what is held is booked to one module, whatever is begun in it")
  func holding() throws {
    let model = try Self.model()
    let profile = try PassProfile(model: model, layout: Self.layout(model))
    profile.beginPass(.decode)
    profile.hold(.drafts)
    for _ in 0..<10 {
      profile.begin(.norm)
      profile.begin(.head)
    }
    profile.release()
    profile.begin(.norm)
    profile.endPass()
    let decode = try #require(profile.profile[.decode])
    #expect(decode[.drafts].calls == 1 && decode[.head].calls == 0 && decode[.norm].calls == 1)
  }

  // MARK: - Counts

  @Test("calls are layers times passes, and rows are tokens")
  func counts() async throws {
    var options = EngineOptions(threads: 1)
    options.prefillChunk = 16
    let engine = try Self.engine(options)
    let reply = try await Self.reply(engine, tokens: 40)
    let profile = try #require(await engine.profile)
    let (layers, tokens) = (engine.model.layers, try #require(reply.summary).promptTokens)
    for (phase, passes, heads) in [
      (profile[.prefill]!, (tokens + 15) / 16, 1), (profile[.decode]!, 39, 39),
    ] {
      #expect(phase.passes == passes)
      for module in [
        .queryKeyValue, .keyValueStore, .attention, .attentionOutput, .gateUp, .activation, .down,
      ] as [ProfileModule] {
        #expect(phase[module].calls == layers * passes)
      }
      #expect(phase[.norm].calls == 2 * layers * passes + heads)
      #expect(phase[.embedding].calls == passes && phase[.head].calls == heads)
      #expect(phase[.sampling].calls == heads)
      #expect(phase[.retrieval].calls == 0 && phase[.drafts].calls == 0)
    }
    #expect(profile[.prefill]!.rowsRead == tokens && profile[.prefill]!.rowsDecoded == 0)
    #expect(profile[.decode]!.rowsRead == 0 && profile[.decode]!.rowsDecoded == 39)
  }

  @Test("weights are read once a pass, and each is multiplied with each row")
  func work() async throws {
    let engine = try Self.engine()
    let reply = try await Self.reply(engine, tokens: 40)
    let profile = try #require(await engine.profile)
    let model = try Self.model()
    let (shape, tokens) = (model.shape, try #require(reply.summary).promptTokens)
    let matrices = model.layers.map {
      [$0.query, $0.key, $0.value, $0.attentionOutput, $0.gate, $0.up, $0.down]
    }
    .joined()
    let products: [ProfileModule] = [.queryKeyValue, .attentionOutput, .gateUp, .down]
    for (phase, passes, rows) in [
      (profile[.prefill]!, 1, tokens), (profile[.decode]!, 39, 39),
    ] {
      #expect(
        products.reduce(0) { $0 + phase[$1].bytes }
          == passes * matrices.reduce(0) { $0 + $1.byteCount })
      #expect(
        products.reduce(0) { $0 + phase[$1].operations }
          == rows * matrices.reduce(0) { $0 + 2 * $1.rows * $1.columns })
    }
    let decode = profile[.decode]!
    #expect(decode[.head].bytes == 39 * model.output.byteCount)
    #expect(decode[.head].operations == 39 * 2 * shape.vocabularySize * shape.width)
    // A token at place i sees i others and itself.
    let places = tokens..<tokens + 39
    let seen = places.reduce(0) { $0 + $1 + 1 }
    let layout = Self.layout(model)
    #expect(
      decode[.attention].operations == 4 * shape.layers * shape.heads * shape.headDimension * seen)
    #expect(
      decode[.attention].bytes == shape.layers * seen * layout.layerByteCount / layout.blockLength)
    #expect(
      profile[.prefill]![.attention].operations
        == 2 * shape.layers * shape.heads * shape.headDimension * tokens * (tokens + 1))
  }

  @Test("tokens that queries see of a span are counted as one by one")
  func seen() {
    var random = TestSupport.SeededGenerator(seed: 5)
    for _ in 0..<500 {
      let (count, begin) = (
        Int.random(in: 1...64, using: &random), Int.random(in: -80...80, using: &random)
      )
      let rows = Int.random(in: 1...90, using: &random)
      let expected = (begin..<begin + rows).reduce(0) { $0 + max(0, min(count, $1 + 1)) }
      #expect(
        PassProfile.seen(through: begin + rows, of: count)
          - PassProfile.seen(through: begin, of: count) == expected,
        "\(rows) rows from \(begin) over \(count)")
    }
  }

  @Test("retrieval, eviction, drafts and beams have their own time")
  func others() async throws {
    let recalling = try Self.engine(
      EngineOptions(threads: 1, window: .sliding(tokens: 64), recall: RecallOptions(gate: 0)))
    _ = try await Self.reply(
      recalling, tokens: 100, text: String(repeating: Self.prompt, count: 4), scope: .session)
    let recalled = try #require(await recalling.profile)
    #expect(recalled[.decode]![.retrieval].calls >= recalling.model.layers * 99)
    #expect(recalled[.prefill]![.retrieval].time > .zero)
    #expect(recalled[.prefill]![.eviction].time > .zero)

    var options = EngineOptions(threads: 1)
    options.draftExit = .layer(3)
    let drafting = try Self.engine(options)
    _ = try await Self.reply(drafting, tokens: 100, drafts: .always)
    let drafted = try #require(await drafting.profile?[.decode])
    #expect(drafted[.drafts].time > .zero && drafted[.drafts].calls > 0)
    // The passes that guess are drafts and nothing else.
    #expect(drafted[.queryKeyValue].calls == drafting.model.layers * drafted.passes)

    let searching = try Self.engine()
    _ = try await Self.reply(searching, tokens: 20, beams: BeamOptions(width: 3))
    let searched = try #require(await searching.profile?[.decode])
    #expect(searched[.sampling].calls == searched.passes)
    #expect(searched.rowsDecoded > searched.passes)
  }

  @Test("prompts that are read beside replies are told apart")
  func mixed() async throws {
    let engine = try Self.engine()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<4 {
        group.addTask {
          _ = try await Self.reply(
            engine, tokens: 60, text: String(repeating: "\(index) " + Self.prompt, count: 5))
        }
      }
      try await group.waitForAll()
    }
    let profile = try #require(await engine.profile)
    let rows = profile.phases.reduce(0) { $0 + $1.rowsDecoded }
    #expect(rows == 4 * 59)
    #expect(profile[.prefill]?.rowsDecoded ?? 0 == 0 && profile[.decode]?.rowsRead ?? 0 == 0)
    if let mixed = profile[.mixed] { #expect(mixed.rowsRead > 0 && mixed.rowsDecoded > 0) }
  }

  // MARK: - On and off

  @Test("nothing is noted unless it is asked for, and what is said is the same")
  func off() async throws {
    func bits(_ reply: WholeReply) -> [UInt32] {
      reply.tokens.map { $0.logprobs!.chosen.logprob.bitPattern }
    }
    let (plain, profiled) = (
      try EmbeddedModel.engine(EngineOptions(threads: 1)), try Self.engine(slices: 1000)
    )
    let (first, second) = (try await Self.reply(plain), try await Self.reply(profiled))
    #expect(await plain.profile == nil)
    #expect(await plain.trace == nil)
    #expect(first.tokens.map(\.id) == second.tokens.map(\.id))
    #expect(bits(first) == bits(second))
    try await plain.profileDecode(tokens: 3)
    #expect(await plain.profile == nil)
    let traceless = try Self.engine()
    #expect(await traceless.trace == nil)
  }

  @Test("a profile of prefill and decode counts what was asked for, and not what stands before it")
  func measuring() async throws {
    let engine = try Self.engine()
    try await engine.profilePrefill(tokens: 100, depth: 70)
    try await engine.profileDecode(tokens: 20, depth: 130)
    let profile = try #require(await engine.profile)
    #expect(profile[.prefill]!.rowsRead == 100 && profile[.decode]!.rowsDecoded == 20)
    let shape = try Self.model().shape
    let seen = (0..<20).reduce(0) { $0 + 130 + 1 + $1 + 1 }
    #expect(
      profile[.decode]![.attention].operations
        == 4 * shape.layers * shape.heads * shape.headDimension * seen)
    await engine.resetProfile()
    #expect(await engine.profile?.phases.isEmpty == true)
  }

  // MARK: - Limits

  @Test("a module is bound by what takes longer, and by neither where both take next to nothing")
  func bounds() {
    let limits = Roofline(readBandwidth: 10e9, integerPeak: 1000e9, floatPeak: 100e9)
    func module(_ bytes: Int, _ operations: Int, _ isOfIntegers: Bool?) -> RunProfile.Module {
      RunProfile.Module(
        module: .down, calls: 1, time: .seconds(1), bytes: bytes, operations: operations,
        isOfIntegers: isOfIntegers)
    }
    #expect(module(8_000_000_000, 10_000_000_000, true).bound(by: limits) == (.bandwidth, 0.8))
    #expect(module(8_000_000_000, 90_000_000_000, false).bound(by: limits) == (.compute, 0.9))
    #expect(module(1_000_000_000, 500_000_000_000, true).bound(by: limits) == (.compute, 0.5))
    #expect(module(1000, 1000, true).bound(by: limits).bound == .neither)
    #expect(module(0, 0, nil).bound(by: limits).bound == .neither)
  }

  @Test("the machine has limits")
  func limits() async throws {
    let limits = try await Self.engine().measureRoofline()
    #expect(limits.readBandwidth > 1e7 && limits.integerPeak > 1e7 && limits.floatPeak > 1e7)
  }

  // MARK: - Traces

  private struct Event: Decodable {
    var name: String
    var ph: String
    var cat: String?
    var ts: Double?
    var dur: Double?

    var end: Double { ts! + dur! }
  }

  private struct Trace: Decodable {
    var traceEvents: [Event]
    var otherData: [String: Int]
  }

  private static func parsed(_ trace: PassTrace) throws -> Trace {
    var text = ""
    trace.writeJSON { text += $0 }
    return try JSONDecoder().decode(Trace.self, from: Data(text.utf8))
  }

  @Test("a trace is JSON in which modules lie in layers, and layers in passes")
  func trace() async throws {
    let engine = try Self.engine(slices: 1 << 16)
    _ = try await Self.reply(engine, tokens: 20)
    let trace = try Self.parsed(try #require(await engine.trace))
    let slices = trace.traceEvents.filter { $0.ph == "X" }
    func of(_ category: String) -> [Event] { slices.filter { $0.cat == category } }
    #expect(of("pass").map(\.name) == ["prefill"] + Array(repeating: "decode", count: 19))
    #expect(of("layer").count == 20 * engine.model.layers)
    #expect(of("module").filter { $0.name == "gate, up" }.count == 20 * engine.model.layers)
    #expect(trace.otherData["lost_slices"] == 0)
    // Slices of one thread lie in one another or beside one another; thousandths are rounded nowhere.
    let tolerance = 0.0005
    for (inner, outer) in [("layer", "pass"), ("module", "pass")] {
      for event in of(inner) {
        #expect(
          of(outer).contains {
            $0.ts! <= event.ts! + tolerance && event.end <= $0.end + tolerance
          })
      }
    }
    for module in of("module") where module.name == "gate, up" {
      #expect(
        of("layer").contains {
          $0.ts! <= module.ts! + tolerance && module.end <= $0.end + tolerance
        })
    }
    for neighbours in [of("pass"), of("layer"), of("module")] {
      for (one, next) in zip(neighbours, neighbours.dropFirst()) {
        #expect(one.end <= next.ts! + tolerance)
      }
    }
    let rows = trace.traceEvents.filter { $0.ph == "C" }
    #expect(rows.count == 40 && rows.allSatisfy { $0.name == "rows" })
  }

  @Test("a trace keeps the latest slices, and says how many it has lost")
  func ring() async throws {
    let engine = try Self.engine(slices: 500)
    _ = try await Self.reply(engine, tokens: 60)
    let trace = try #require(await engine.trace)
    #expect(trace.slices.count == 500 && trace.lostSlices > 1000)
    #expect(trace.slices.allSatisfy { $0.began >= trace.slices[0].began })
    #expect(!trace.passes.isEmpty && trace.passes.count < 59)
    #expect(trace.passes.allSatisfy { $0.began >= trace.slices[0].began })
    #expect(try Self.parsed(trace).otherData["lost_slices"] == trace.lostSlices)
  }

  @Test("more slices than there is room for are refused")
  func options() {
    #expect(throws: EngineError.self) { try Self.engine(slices: -1) }
    #expect(throws: EngineError.self) { try Self.engine(slices: 1 << 30) }
  }
}
