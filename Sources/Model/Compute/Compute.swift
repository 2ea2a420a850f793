package import CKernels

/// The kernels of one instruction set and the threads that run them.
///
/// It is `Sendable`, unchecked: the kernel table is constant, and the pool accepts one caller at a
/// time, which the owner (the engine's single compute thread) guarantees.
@safe
package final class Compute: @unchecked Sendable {
  package let instructionSet: InstructionSet
  package let threads: Int
  package let kernels: UnsafePointer<spark_kernels>
  package let pool: OpaquePointer

  package init(threads: Int, instructionSet: InstructionSet = .best) throws(ModelError) {
    guard let kernels = unsafe spark_kernels_for(instructionSet.kernels) else {
      throw ModelError(
        "this processor has no \(instructionSet.rawValue); choose one of "
          + InstructionSet.allCases.filter(\.isAvailable).map(\.rawValue).joined(separator: ", ")
          + ".", isAboutMachine: true)
    }
    guard let count = Int32(exactly: threads), let pool = unsafe spark_pool_create(count) else {
      throw ModelError(
        "the system refused to start \(threads) threads; ask for fewer.", isAboutMachine: true)
    }
    unsafe self.kernels = kernels
    unsafe self.pool = pool
    self.instructionSet = instructionSet
    self.threads = threads
  }

  /// Lets only `count` of the threads work from the next pass on; what is computed stays the same.
  package func use(threads count: Int) { unsafe spark_pool_use(pool, Int32(clamping: count)) }

  /// Lets the workers run on any of these processors and on no other. Where the system refuses they stay where
  /// they are: a container may have lost processors since they were counted, and then its own set is right.
  package func confine(to processors: [Int]) {
    let list = processors.map { Int32(clamping: $0) }
    _ = unsafe list.withUnsafeBufferPointer {
      unsafe spark_pool_confine(pool, $0.baseAddress, $0.count)
    }
  }

  /// The same for the thread that calls it.
  package static func confineThread(to processors: [Int]) {
    let list = processors.map { Int32(clamping: $0) }
    _ = unsafe list.withUnsafeBufferPointer {
      unsafe spark_confine_thread($0.baseAddress, $0.count)
    }
  }

  deinit { unsafe spark_pool_destroy(pool) }
}
