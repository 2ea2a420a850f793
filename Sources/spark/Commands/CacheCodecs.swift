import ArgumentParser
import Cache
import Generation
import Model
import Synchronization

/// `spark cache codecs`: what each codec of the cache's lower tiers costs on a model's own keys and
/// values.
struct CacheCodecs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codecs",
    abstract: "Measure the codecs of the cache: size, speed, errors, effect on the model.",
    discussion: """
      Passages of the text, evenly spread, are read into the cache; its blocks are written and read \
      back in every codec. Then the text goes on for --continue tokens with what was read back, \
      and the scores are compared with those of the exact cache. Sizes are relative to f16; rates \
      are of f16 on one thread, the median of --repetitions rounds.
      """)

  @Option(
    help: ArgumentHelp(
      "The GGUF file. (default: the model that ships with Spark)", valueName: "file"))
  var model: String?

  @Option(help: ArgumentHelp("The text to read.", valueName: "file"))
  var text: String

  @Option(help: "Passages of the text.")
  var contexts = 20

  @Option(help: "Tokens of each passage, in whole blocks of 64.")
  var contextTokens = 512

  @Option(
    name: .customLong("continue"),
    help: "Tokens after each passage on which scores are compared; 0 leaves that out.")
  var continuation = 128

  @Option(name: .shortAndLong, help: "Times each codec is timed.")
  var repetitions = 5

  @Option(help: "Effort of zstd, 1 to 19.")
  var level = FrameCodingOptions().level

  @Flag(help: "Write one JSON object a line for each codec.")
  var json = false

  @OptionGroup(title: "Engine") var engine: EngineFlags

  func validate() throws {
    try require(contexts > 0, "--contexts must be at least 1.")
    try require(
      contextTokens >= KVLayout.defaultBlockLength,
      "--context-tokens must be at least \(KVLayout.defaultBlockLength), one block.")
    try require(continuation >= 0, "--continue must not be negative.")
    try require(repetitions > 0, "--repetitions must be at least 1.")
    try require((1...19).contains(level), "--level must be from 1 to 19.")
    try require(engine.options.window == .full, "Codecs are measured with a full window.")
  }

  func run() async throws {
    let path = try model ?? EmbeddedModel.path()
    let source = try TextInput.read(argument: nil, file: text, what: "text")
    try await Interruption.cancels {
      let engine = try Engine(path: path, options: engine.options)
      let tokens = engine.tokenizer.encode(source)
      let blockLength = KVLayout.defaultBlockLength
      let passage = contextTokens / blockLength * blockLength
      // One more, for the last one's score.
      let length = passage + continuation + 1
      guard tokens.count >= length, engine.contextLength >= length else {
        throw InputError(
          "a passage takes \(length) tokens; the text has \(tokens.count) and the model's context "
            + "holds \(engine.contextLength). Lower --context-tokens or --continue.")
      }
      let starts = (0..<contexts).map { index in
        contexts == 1 ? 0 : index * (tokens.count - length) / (contexts - 1)
      }
      try await measure(
        starts.map { Array(tokens[$0..<$0 + length]) }, passage: passage, of: path, with: engine)
    }
  }

  private func measure(
    _ texts: [[TokenID]], passage: Int, of path: String, with engine: Engine
  ) async throws {
    let coder = try FrameCoder(
      shape: FrameShape(await engine.keyValueLayout), options: FrameCodingOptions(level: level))
    var trials = FrameCodec.allCases.map { CodecTrial($0) }
    var comparisons = trials.map { _ in LogitsComparison() }
    for (number, text) in texts.enumerated() {
      let blocks = try await engine.cachedBlocks(of: Array(text[..<passage]))
      var exact: [Float] = []
      if continuation > 0 { exact = try await scores(of: text, after: blocks, with: engine) }
      for index in trials.indices {
        let decoded = try trials[index].run(blocks, with: coder)
        if number == 0 {
          try trials[index].measure(blocks, with: coder, repetitions: repetitions)
        }
        guard continuation > 0 else { continue }
        comparisons[index].add(
          exact: exact, other: try await scores(of: text, after: decoded, with: engine),
          following: text[(passage + 1)...])
      }
    }
    let records = trials.indices.map {
      CodecRecord(
        model: path, trial: trials[$0], contexts: texts.count, passage: passage,
        comparison: comparisons[$0].positions > 0 ? comparisons[$0] : nil)
    }
    if json {
      for record in records { try Output.standard.writeJSONLine(record) }
    } else {
      try Output.standard.write(CodecRecord.table(records, of: path))
    }
  }

  /// Scores after each token that `blocks` do not hold, but for the last, whose successor is unknown.
  private func scores(
    of text: [TokenID], after blocks: [UInt8], with engine: Engine
  ) async throws -> [Float] {
    let scores = Mutex<[Float]>([])
    try await engine.logits(of: Array(text.dropLast()), after: blocks) { _, logits in
      scores.withLock { scores in
        unsafe logits.withUnsafeBufferPointer { unsafe scores.append(contentsOf: $0) }
      }
    }
    return scores.withLock { $0 }
  }
}

extension FrameShape {
  /// A layer of a block.
  init(_ layout: KVLayout) {
    self.init(
      heads: layout.kvHeads, dimension: layout.headDimension, tokens: layout.blockLength,
      valueStride: layout.valueStride, elementBytes: layout.type.byteCount)
  }
}

/// One codec's figures.
private struct CodecRecord: Encodable {
  var model: String
  var codec: String
  var contexts: Int
  var contextTokens: Int
  var frames: Int
  var f16Bytes: Int
  var storedBytes: Int
  var ratio: Double
  var encodeMbPerSecond: Double
  var decodeMbPerSecond: Double
  var isLossless: Bool
  var maxError: Double
  var rmsError: Double
  var relativeKeyError: Double
  var relativeValueError: Double
  /// Missing where scores were not compared.
  var quality: Quality?

  struct Quality: Encodable {
    var positions: Int
    var exactPerplexity: Double
    var perplexity: Double
    var meanKld: Double
    var p99Kld: Double
    var topAgreement: Double
  }

  init(
    model: String, trial: CodecTrial, contexts: Int, passage: Int, comparison: LogitsComparison?
  ) {
    self.model = model
    codec = "\(trial.codec)"
    self.contexts = contexts
    contextTokens = passage
    frames = trial.frameCount
    f16Bytes = trial.f16Bytes
    storedBytes = trial.storedBytes
    ratio = trial.ratio
    encodeMbPerSecond = trial.encodeRate
    decodeMbPerSecond = trial.decodeRate
    isLossless = trial.isBitExact
    maxError = trial.largestError
    rmsError = trial.rmsError
    relativeKeyError = trial.relativeKeyError
    relativeValueError = trial.relativeValueError
    quality = comparison.map {
      Quality(
        positions: $0.positions, exactPerplexity: $0.exactPerplexity, perplexity: $0.perplexity,
        meanKld: $0.meanDivergence, p99Kld: $0.p99Divergence, topAgreement: $0.agreement)
    }
  }

  static func table(_ records: [CodecRecord], of model: String) -> String {
    var text = ""
    if let first = records.first {
      text += "\(model): \(first.frames) frames of \(first.contexts) contexts, "
      text += "\(first.contextTokens) tokens each\n"
    }
    for record in records {
      text += record.codec.padded(6)
      text +=
        " \(record.ratio.written(3))x, writes \(record.encodeMbPerSecond.written(0)) and reads "
      text += "\(record.decodeMbPerSecond.written(0)) MB/s, "
      if record.isLossless {
        text += "lossless"
      } else {
        text += "error at most \(record.maxError.written(4)), RMS \(record.rmsError.written(5)) "
        text += "(keys \((record.relativeKeyError * 100).written(2)) %, "
        text += "values \((record.relativeValueError * 100).written(2)) %)"
      }
      if let quality = record.quality {
        text += "; perplexity \(quality.exactPerplexity.written(4)) to "
        text += "\(quality.perplexity.written(4)), KLD mean \(quality.meanKld.written(6)) "
        text += "p99 \(quality.p99Kld.written(5)), "
        text += "same first \((quality.topAgreement * 100).written(2)) %"
      }
      text += "\n"
    }
    return text
  }
}

extension String {
  fileprivate func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}

extension Double {
  /// With so many digits after the point.
  fileprivate func written(_ digits: Int) -> String {
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((magnitude * Double(scale)).rounded())
    let fraction = String(scaled % scale)
    let sign = self < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    return "\(sign)\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count)
      + fraction
  }
}
