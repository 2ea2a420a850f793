/// What to do before the next pass, and what goes into it. Its storage is used again from pass to pass.
///
/// To be done in this order: let go of what has expired, begin to park, admit, begin to resume, then
/// compute. All that is admitted or resumed fits the blocks that are free before anything is parked.
package struct PassPlan: Sendable, Equatable {
  /// Past their deadlines and forgotten: to be told, and their blocks let go.
  package var expired: [UInt64] = []
  /// To be parked; `parked` or `parkRefused` reports each.
  package var park: [UInt64] = []
  /// Begin now, their blocks set aside; may be in `prefill` or `decode` at once.
  package var admit: [UInt64] = []
  /// Come back, their blocks set aside; `resumed` reports each.
  package var resume: [UInt64] = []
  /// Which prompts are read on, most important first.
  package var prefill: [PrefillShare] = []
  /// Which sequences generate.
  package var decode: [UInt64] = []

  package init() {}

  /// Whether there is nothing to do until something happens.
  package var isEmpty: Bool {
    expired.isEmpty && park.isEmpty && admit.isEmpty && resume.isEmpty && prefill.isEmpty
      && decode.isEmpty
  }

  mutating func removeAll() {
    expired.removeAll(keepingCapacity: true)
    park.removeAll(keepingCapacity: true)
    admit.removeAll(keepingCapacity: true)
    resume.removeAll(keepingCapacity: true)
    prefill.removeAll(keepingCapacity: true)
    decode.removeAll(keepingCapacity: true)
  }
}

/// Rows of one prompt in a pass.
package struct PrefillShare: Sendable, Hashable {
  package var id: UInt64
  package var rows: Int

  package init(id: UInt64, rows: Int) {
    self.id = id
    self.rows = rows
  }
}
