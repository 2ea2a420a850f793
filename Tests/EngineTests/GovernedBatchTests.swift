import Foundation
import Generation
import Hardware
import Synchronization
import Testing

/// Replies of many streams on a machine that grows hot and cools down.
@Suite struct GovernedBatchTests {
  private static let streams = 12

  /// - Returns: what each stream has said, until all have ended; and the widths that were seen on the way.
  private func run(
    _ engine: Engine, tokens: Int, until isOver: @escaping @Sendable () -> Bool = { true }
  ) async throws -> (said: [[TokenID]], widths: [Int]) {
    let watch = Watch()
    let said = try await withThrowingTaskGroup(of: (Int, [TokenID]).self) { group in
      for index in 0..<Self.streams {
        group.addTask {
          var options = GenerationOptions(
            maxTokens: tokens, ignoresEndTokens: true, seed: UInt64(index),
            memory: MemoryOptions(scope: .none))
          options.drafts.mode = .off
          var said: [TokenID] = []
          let prompt = Prompt.text("Story \(index). Once upon a time")
          // Goes on, text after text, as long as the machine is of interest.
          repeat {
            said = try await WholeReply(engine.stream(prompt, options: options)).tokens.map(\.id)
          } while !isOver()
          return (index, said)
        }
      }
      group.addTask {
        while !isOver() {
          watch.widths.withLock { $0.append(engine.batchWidth) }
          try await Task.sleep(for: .milliseconds(50))
        }
        return (-1, [])
      }
      var all = [[TokenID]](repeating: [], count: Self.streams)
      for try await (index, said) in group where index >= 0 { all[index] = said }
      return all
    }
    return (said, watch.widths.withLock { $0 })
  }

  @Test("in the heat fewer streams are decoded together, then more again, and each says the same")
  func heat() async throws {
    let root = FileManager.default.temporaryDirectory
      .appending(path: "spark-plant-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let shape = ThermalPlant.Shape()
    let files = try PlantFiles(root: root, shape: shape, processors: 2)
    let engine = try Engine(
      path: EmbeddedModel.path,
      options: EngineOptions(thermal: ThermalOptions(cooldown: 1), memoBytes: 0),
      systemRoot: root)
    let full = engine.batchWidth
    #expect(full > 4)
    let (calm, _) = try await run(engine, tokens: 30)

    // Hot until the governor, who looks once a second, has retreated; then cool until it comes forward again.
    let watch = Watch()
    let heating = Task {
      try files.update(
        sensor: .celsius(shape.trip - 1), throttleCount: 0, speed: 1, processors: 2)
      for _ in 0..<200 where engine.batchWidth == full {
        try await Task.sleep(for: .milliseconds(50))
      }
      try files.update(sensor: .celsius(45), throttleCount: 0, speed: 1, processors: 2)
      let lowest = engine.batchWidth
      for _ in 0..<1200 where engine.batchWidth < lowest + 2 {
        try await Task.sleep(for: .milliseconds(50))
      }
      watch.isOver.store(true, ordering: .relaxed)
    }
    let (hot, widths) = try await run(engine, tokens: 30) {
      watch.isOver.load(ordering: .relaxed)
    }
    try await heating.value
    #expect(widths.min()! < full, "the width stayed at \(full)")
    #expect(engine.batchWidth > widths.min()!, "the width stayed at \(engine.batchWidth)")
    #expect(hot == calm)
  }

  private final class Watch: Sendable {
    let isOver = Atomic(false)
    let widths = Mutex<[Int]>([])
  }
}
