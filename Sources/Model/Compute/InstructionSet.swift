internal import CKernels

/// A variant of the compute kernels.
public enum InstructionSet: String, Sendable, CaseIterable {
  /// Plain C, the reference that the others are tested against.
  case scalar
  /// AVX2 with FMA and F16C.
  case avx2
  /// AVX-512 with VNNI.
  case avx512
  /// AVX-512 with the matrix unit: AMX for bytes.
  case amx

  var kernels: spark_isa {
    switch self {
    case .scalar: SPARK_ISA_SCALAR
    case .avx2: SPARK_ISA_AVX2
    case .avx512: SPARK_ISA_AVX512
    case .amx: SPARK_ISA_AMX
    }
  }

  /// Whether this processor (and this build) can run it.
  public var isAvailable: Bool { unsafe spark_kernels_for(kernels) != nil }

  /// The widest one that this processor has.
  public static var best: InstructionSet {
    let best = spark_best_isa()
    return allCases.first { $0.kernels == best } ?? .scalar
  }
}
