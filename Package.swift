// swift-tools-version: 6.2
import PackageDescription

// The order of the targets is the architecture: each may import only what stands above it here.
let package = Package(
  name: "spark",
  products: [
    .library(name: "Generation", targets: ["Generation"]),
    .executable(name: "spark", targets: ["spark"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // Zstandard, the system's library.
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    // Line editing in a terminal, the system's library.
    .systemLibrary(name: "CEdit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),
    // Pictures of measurements, as SVG.
    .target(name: "Charts"),
    // SIMD kernels behind one dispatch table per instruction set, and the compute thread pool.
    .target(name: "CKernels"),
    // The machine: which processors and how much memory this process may use.
    .target(name: "Hardware"),
    // Continuous batching: who is admitted, parked, read and decoded in the next pass.
    .target(name: "Scheduling"),
    // Eviction policies, codecs of KV frames, and the tiered store: RAM, compressed RAM, disk.
    .target(
      name: "Cache",
      dependencies: [
        "CKernels", "CZstd", "Hardware",
        .product(name: "CoreMetrics", package: "swift-metrics"),
      ]),
    // GGUF files, tokenizers, tensors, and the forward pass over a view of KV blocks.
    .target(name: "Model", dependencies: ["CKernels"]),
    // Working, episodic and semantic memory: which KV blocks a step attends to, and the catalog.
    .target(
      name: "Cascade",
      dependencies: [
        "CKernels", "Cache", "Model", .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    // The engine: samplers, chat templates, token streams. The library's face.
    .target(
      name: "Generation", dependencies: ["Cache", "Hardware", "Model", "Cascade", "Scheduling"]),
    // What memory is worth: tasks, arms, statistics.
    .target(name: "Evaluation", dependencies: ["Charts", "Generation"]),
    // The command line.
    .executableTarget(
      name: "spark",
      dependencies: [
        "CEdit", "Charts", "Hardware", "Cache", "Generation", "Evaluation",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Probes on captured machines, and the governor on a simulated one.
    .testTarget(name: "HardwareTests", dependencies: ["Hardware"], exclude: ["Fixtures"]),
    // Every kernel variant against the scalar one and the formula.
    .testTarget(name: "KernelTests", dependencies: ["CKernels"], exclude: ["Fixtures"]),
    // Each rule of the scheduler, and random schedules against a recount.
    .testTarget(
      name: "SchedulingTests", dependencies: ["Scheduling", "AllocationCounter", "TestSupport"]),
    // The pictures' numbers and words.
    .testTarget(name: "ChartTests", dependencies: ["Charts"]),
    // Policies against reference caches, stores against a recount, and every failing disk.
    .testTarget(
      name: "CacheTests",
      dependencies: [
        "CKernels", "Cache", "AllocationCounter", "TestSupport",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
      ]),
    // Golden models, chunked against whole, windows against recomputation.
    .testTarget(
      name: "ParityTests", dependencies: ["CKernels", "Model", "Cascade", "TestSupport"],
      exclude: ["Fixtures"]),
    // Identities, routes, indexes and windows as values, on made-up keys.
    .testTarget(
      name: "CascadeTests", dependencies: ["CKernels", "Cache", "Model", "Cascade", "TestSupport"],
      exclude: ["Fixtures"]),

    // Samplers, chat templates and text, without a model.
    .testTarget(name: "GenerationTests", dependencies: ["Generation", "Model"]),
    // The engine on the embedded model.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .testTarget(
      name: "EngineTests",
      dependencies: [
        "Hardware", "Cache", "Cascade", "Generation", "AllocationCounter", "TestSupport",
      ]),
    // Tasks, statistics and reports as values; runs on the embedded model.
    .testTarget(
      name: "EvaluationTests", dependencies: ["Evaluation", "Generation"], exclude: ["Fixtures"]),
    // What tests share: fixtures, seeded randomness.
    .target(name: "TestSupport", dependencies: ["CZstd"], path: "Tests/TestSupport"),
    .testTarget(
      name: "ModelTests", dependencies: ["Model", "TestSupport"], exclude: ["Fixtures"]),
    // The built program, run as a shell would.
    .testTarget(name: "CLITests", dependencies: ["spark", "TestSupport"]),
    // The built program, killed, cut off and refused at chosen and at random moments.
    .testTarget(
      name: "DurabilityTests",
      dependencies: [
        "spark", "Cache", "Cascade", "Generation", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
  ]
)

for target in package.targets where target.type != .system {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
  ]
  // Tests reach into kernels with pointers; marking each use there would tell a reader nothing.
  if target.type != .test { target.swiftSettings! += [.strictMemorySafety()] }
}
