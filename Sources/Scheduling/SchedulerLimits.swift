/// How much goes into a pass, and how long anything is passed over.
package struct SchedulerLimits: Sendable {
  /// Rows of one pass, prompts' and decodes' together; at least 2, so that neither stops the other.
  package var rows = 512
  /// Rows of prompts in a pass in which anything decodes. Few of them keep running streams at their pace.
  package var prefillRowsBesideDecodes = 64
  /// Rows of prompts in a pass in which nothing decodes.
  package var prefillRowsAlone = 512
  /// Requests that may wait for their beginning.
  package var queue = 1024
  /// Passes after which the one that has waited longest, of its priority, goes before everything.
  package var ageing = 256
  /// Passes that make up for a factor of two in how long a request is, where equals are passed over for
  /// such reasons.
  package var groupingPatience = 32
  /// Rows and tokens that are served to a request, before it may be parked again, that had waited for
  /// `ageing` passes when it began or came back.
  package var quantum = 64
  /// Passes after which a request without demand loses its place, and its blocks to whoever needs them.
  package var idlePatience = 32

  package init() {}

  func check() {
    precondition(rows >= 2, "A pass of \(rows) rows cannot read and decode; it needs at least 2.")
    precondition(
      prefillRowsBesideDecodes > 0 && prefillRowsAlone > 0,
      "A pass must have room for a prompt's row.")
    precondition(
      queue >= 0 && ageing > 0 && quantum >= 0 && idlePatience >= 0 && groupingPatience > 0,
      "The scheduler's limits cannot be negative, and ageing takes at least one pass.")
  }
}
