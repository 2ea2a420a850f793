/// One exchange of a long chat, measured.
package struct SessionTurn: Sendable, Equatable, Encodable {
  /// From 1.
  package var turn: Int
  /// Whether it is the first one of an engine that found the session in the store.
  package var isAfterRestart: Bool
  /// Of the engine, the model's file mapped and packed, where one was made for this turn; else 0.
  package var loadSeconds: Double
  /// Of the session, from the store, where an engine was made for this turn; else 0.
  package var openSeconds: Double
  /// From the question to the first token of its reply, as whoever asks sees it.
  package var firstTokenSeconds: Double
  package var promptTokens: Int
  /// Of the prompt, those that were not taken over from blocks.
  package var tokensRead: Int
  /// Of these, those that had been read or said before.
  package var reread: Int
  package var generated: Int
  /// Nil for a reply of one token.
  package var tokensPerSecond: Double?
  /// What the conversation has grown by, question, reply and template.
  package var newTokens: Int
  /// Keys and values of these as attention reads them.
  package var newKeyValueBytes: Int
  /// Given to segment files since the turn before, idle work included.
  package var segmentBytesWritten: Int
  /// Given to all other files, of which the catalog and its log are all but a little; nil where the system
  /// does not say.
  package var catalogBytesWritten: Int?
  /// What full blocks take on disk for each byte of them as attention reads them; nil before there are
  /// any.
  package var diskRatio: Double?
  /// All files of the store.
  package var storeBytes: Int
  /// The process's memory; nil where the system does not say.
  package var residentBytes: Int?
  /// What the store's tiers in memory may take.
  package var memoryBudget: Int

  package init(
    turn: Int, isAfterRestart: Bool = false, loadSeconds: Double = 0, openSeconds: Double = 0,
    firstTokenSeconds: Double, promptTokens: Int = 0, tokensRead: Int = 0, reread: Int = 0,
    generated: Int = 0, tokensPerSecond: Double? = nil, newTokens: Int = 0,
    newKeyValueBytes: Int = 0, segmentBytesWritten: Int = 0, catalogBytesWritten: Int? = nil,
    diskRatio: Double? = nil, storeBytes: Int = 0, residentBytes: Int? = nil,
    memoryBudget: Int = 0
  ) {
    self.turn = turn
    self.isAfterRestart = isAfterRestart
    self.loadSeconds = loadSeconds
    self.openSeconds = openSeconds
    self.firstTokenSeconds = firstTokenSeconds
    self.promptTokens = promptTokens
    self.tokensRead = tokensRead
    self.reread = reread
    self.generated = generated
    self.tokensPerSecond = tokensPerSecond
    self.newTokens = newTokens
    self.newKeyValueBytes = newKeyValueBytes
    self.segmentBytesWritten = segmentBytesWritten
    self.catalogBytesWritten = catalogBytesWritten
    self.diskRatio = diskRatio
    self.storeBytes = storeBytes
    self.residentBytes = residentBytes
    self.memoryBudget = memoryBudget
  }
}
