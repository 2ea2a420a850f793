import ArgumentParser
import Cache
import FoundationEssentials
import Glibc

/// `spark cache bench`: what the tiers of the block store cost.
struct CacheBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the tiers of the block store: lookups, reading, prefetching, writing.",
    discussion: """
      Made-up blocks go through a store of their own: L1 keeps frames in memory as attention reads \
      them, L2 encoded, L3 on disk. Times for each MiB are of f16, on one thread. A cold page cache \
      is one that was asked to forget the files, which a disk's own cache, or a virtual machine's \
      host, may not have. Prefetching is tried in steps that keep one thread busy for --step.
      """)

  @Option(help: "Blocks of 64 tokens.")
  var blocks = 64

  @Option(help: "Layers: each block has a frame for each.")
  var layers = 16

  @Option(help: "Key and value heads of a layer.")
  var heads = 8

  @Option(help: "Numbers of a head's key or value.")
  var headDimension = 64

  @Option(help: "How frames are written below L1.")
  var codec = FrameCodec.exact

  @Option(help: "Milliseconds of one step, when prefetching.")
  var step = 20.0

  @Option(help: "Frames that a step asks for.")
  var stepFrames = 8

  @Option(
    help: ArgumentHelp(
      "Where the files go, and are removed from. (default: a new folder in /tmp)",
      valueName: "folder"))
  var directory: String?

  @Flag(help: "Read segments by system calls instead of mapping them.")
  var unmapped = false

  @Flag(help: "Write one JSON object a line for each figure.")
  var json = false

  func validate() throws {
    try require((16...65_536).contains(blocks), "--blocks must be from 16 to 65536.")
    try require((1...1024).contains(layers), "--layers must be from 1 to 1024.")
    try require((1...1024).contains(heads), "--heads must be from 1 to 1024.")
    try require(
      headDimension % 16 == 0 && (16...1024).contains(headDimension),
      "--head-dimension must be a multiple of 16 up to 1024.")
    try require((0.1...10_000).contains(step), "--step must be from 0.1 to 10000 ms.")
    try require(
      (1...blocks * layers / 4).contains(stepFrames),
      "--step-frames must be from 1 to a quarter of all frames, \(blocks * layers / 4).")
  }

  func run() async throws {
    let trial = self
    // Between two figures it can be ended; the folder goes with it.
    try await Interruption.cancels { try trial.measure() }
  }

  private func measure() throws {
    let folder = try TemporaryFolder.make(in: directory)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var trial = StoreTrial(folder: folder)
    trial.shape = FrameShape(
      heads: heads, dimension: headDimension, tokens: 64, valueStride: headDimension,
      elementBytes: 2)
    trial.framesPerBlock = layers
    trial.blocks = blocks
    trial.codec = codec
    trial.mapsSegments = !unmapped
    trial.step = .seconds(step / 1000)
    trial.framesPerStep = stepFrames
    if !json {
      try Output.standard.write(
        """
        \(blocks) blocks of \(layers) frames of \(trial.frameBytes.inBytes), codec \(codec)

        | what | unit | median | mean | 5th percentile | 95th | samples |
        | --- | --- | --- | --- | --- | --- | --- |

        """)
    }
    try trial.run { record in
      try Task.checkCancellation()
      if json {
        try Output.standard.writeJSONLine(record)
      } else {
        let figures = [record.median, record.mean, record.low, record.high]
          .map { $0.inThreeDigits }.joined(separator: " | ")
        try Output.standard.write(
          "| \(record.test) | \(record.unit) | \(figures) | \(record.samples) |\n")
      }
    }
  }
}

extension FrameCodec: ExpressibleByArgument {
  public init?(argument: String) {
    guard let codec = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
    self = codec
  }

  public static var allValueStrings: [String] { allCases.map { "\($0)" } }
  public var defaultValueDescription: String { "\(self)" }
}

extension Double {
  /// With three digits that count, or all before the point.
  fileprivate var inThreeDigits: String {
    guard isFinite else { return "-" }
    let digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((magnitude * Double(scale)).rounded())
    let sign = self < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(sign)\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count)
      + fraction
  }
}
