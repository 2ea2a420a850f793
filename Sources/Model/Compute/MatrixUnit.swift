internal import CKernels

/// The processor's matrix unit (AMX), as far as this process may use it.
package enum MatrixUnit: String, Sendable, Encodable {
  /// There is none that Spark knows.
  case absent
  case usable
  /// The processor has it, and the system does not let this process use it.
  case refused

  package init(isPresent: Bool, isPermitted: Bool) {
    self = !isPresent ? .absent : isPermitted ? .usable : .refused
  }

  /// This machine's. Linux is asked for the unit's registers, once for the process, if it has not been before.
  package static var current: MatrixUnit {
    MatrixUnit(
      isPresent: spark_processor_has_amx(), isPermitted: InstructionSet.amx.isAvailable)
  }

  /// What somebody should know who did not choose the instruction set: prompts take several times as long
  /// as the processor's name promises. Nil where there is nothing to be said.
  ///
  /// - Parameters:
  ///   - chosen: the instruction set that was asked for by name.
  ///   - best: the one that is used otherwise.
  package func remark(chosen: InstructionSet?, best: InstructionSet) -> String? {
    guard self == .refused, chosen == nil else { return nil }
    return
      "the processor has a matrix unit (AMX) and the system refuses it to this process; prompts are read "
      + "with \(best.rawValue), more slowly. It takes Linux 5.16, and a sandbox that lets arch_prctl pass."
  }
}
