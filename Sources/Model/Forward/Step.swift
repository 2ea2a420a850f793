package import CKernels

/// What one forward pass works on: rows of tokens from any mix of sequences, what each may see, and
/// where its key and value go.
///
/// Storage is reserved once; filling and clearing it allocates nothing.
///
/// Invariant: runs cover rows `0..<rows` in order, and each run's spans are a range of `spans`.
@safe
package final class Step {
  package let maxRows: Int
  package let maxLogitRows: Int

  package private(set) var rows = 0
  package private(set) var runCount = 0
  package private(set) var spanCount = 0
  /// Distances that the runs' queries stay below.
  package private(set) var positions = 0
  package private(set) var logitRowCount = 0
  /// Rows of prompts. They come behind all others.
  package private(set) var promptRows = 0

  private let maxSpans: Int
  private let arena: Arena
  let tokens: UnsafeMutablePointer<TokenID>
  let blocks: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
  let slots: UnsafeMutablePointer<Int32>
  package let runs: UnsafeMutablePointer<spark_run>
  package let spans: UnsafeMutablePointer<spark_span>
  let logitRows: UnsafeMutablePointer<Int32>
  /// Of the rows that want logits, whether they may be of a layer before the last.
  let mayLeave: UnsafeMutablePointer<Bool>
  /// Whether the rows added next may leave early; `clear` says no.
  package var nextMayLeave = false
  /// Whether the rows added next are a prompt's, which may be computed with other arithmetic than generated
  /// tokens; `clear` says no.
  package var nextIsPrompt = false

  /// Room for `maxRows` tokens, logits for `maxLogitRows` of them, and `maxSpans` blocks in view,
  /// counted for each run.
  package init(maxRows: Int, maxLogitRows: Int, maxSpans: Int) throws(ModelError) {
    self.maxRows = maxRows
    self.maxLogitRows = maxLogitRows
    self.maxSpans = maxSpans
    var cursor = ArenaCursor()
    let tokensAt = cursor.take(maxRows * MemoryLayout<TokenID>.stride)
    let blocksAt = unsafe cursor.take(maxRows * MemoryLayout<UnsafeMutablePointer<UInt8>?>.stride)
    let slotsAt = cursor.take(maxRows * MemoryLayout<Int32>.stride)
    let runsAt = cursor.take(maxRows * MemoryLayout<spark_run>.stride)
    let spansAt = unsafe cursor.take(maxSpans * MemoryLayout<spark_span>.stride)
    let logitRowsAt = cursor.take(maxLogitRows * MemoryLayout<Int32>.stride)
    let mayLeaveAt = cursor.take(maxLogitRows * MemoryLayout<Bool>.stride)
    arena = try Arena(byteCount: cursor.byteCount)
    unsafe tokens = (arena.base + tokensAt).assumingMemoryBound(to: TokenID.self)
    unsafe blocks = (arena.base + blocksAt).assumingMemoryBound(
      to: UnsafeMutablePointer<UInt8>?.self)
    unsafe slots = (arena.base + slotsAt).assumingMemoryBound(to: Int32.self)
    unsafe runs = (arena.base + runsAt).assumingMemoryBound(to: spark_run.self)
    unsafe spans = (arena.base + spansAt).assumingMemoryBound(to: spark_span.self)
    unsafe logitRows = (arena.base + logitRowsAt).assumingMemoryBound(to: Int32.self)
    unsafe mayLeave = (arena.base + mayLeaveAt).assumingMemoryBound(to: Bool.self)
  }

  /// Bytes reserved, touched or not.
  var byteCount: Int { arena.byteCount }

  package func clear() {
    rows = 0
    runCount = 0
    spanCount = 0
    logitRowCount = 0
    positions = 0
    nextMayLeave = false
    nextIsPrompt = false
    promptRows = 0
  }

  /// Adds a token whose key and value go to `slot` of a block. It belongs to the run that
  /// `endRun` closes next. Logits are computed only where they are wanted.
  package func append(
    _ token: TokenID, block: UnsafeMutablePointer<UInt8>, slot: Int, wantsLogits: Bool
  ) {
    precondition(rows < maxRows, "a step of \(maxRows) tokens is full")
    precondition(nextIsPrompt || promptRows == 0, "rows of prompts come last")
    if nextIsPrompt { promptRows += 1 }
    unsafe tokens[rows] = token
    unsafe blocks[rows] = block
    unsafe slots[rows] = Int32(slot)
    if wantsLogits {
      precondition(logitRowCount < maxLogitRows, "a step of \(maxLogitRows) logit rows is full")
      unsafe logitRows[logitRowCount] = Int32(rows)
      unsafe mayLeave[logitRowCount] = nextMayLeave
      logitRowCount += 1
    }
    rows += 1
  }

  /// Adds a block to the view of the run that `endRun` closes next: its token 0 stands at virtual
  /// position `start`, and its first `count` tokens may be seen.
  ///
  /// - Returns: its place, for `place`.
  @discardableResult
  package func see(block: UnsafePointer<UInt8>, stride: Int, start: Int, count: Int) -> Int {
    precondition(spanCount < maxSpans, "a step of \(maxSpans) spans is full")
    unsafe spans[spanCount] = spark_span(
      block: block, stride: stride, start: Int32(start), first: 0, count: Int32(count))
    spanCount += 1
    return spanCount - 1
  }

  /// Keeps room in the view for `count` blocks that each layer chooses for itself.
  ///
  /// - Returns: the first one's place, for `place`.
  package func reserve(spans count: Int) -> Int {
    precondition(spanCount + count <= maxSpans, "a step of \(maxSpans) spans is full")
    let first = spanCount
    for place in first..<first + count { hide(place) }
    spanCount += count
    return first
  }

  /// Puts a block into a reserved place: its token 0 stands at virtual position `start`, which may
  /// be negative, and its tokens `first..<count` may be seen. Holds until it is put differently.
  package func place(
    _ place: Int, block: UnsafePointer<UInt8>, stride: Int, start: Int, first: Int, count: Int
  ) {
    unsafe spans[place] = spark_span(
      block: block, stride: stride, start: Int32(start), first: Int32(first), count: Int32(count))
  }

  /// Moves what is at a place.
  package func move(_ place: Int, to start: Int) {
    unsafe spans[place].start = Int32(start)
  }

  /// Shows the first `first` tokens of one place's block at another place instead, standing at
  /// `start`; 0 shows them where they were.
  package func split(_ place: Int, first: Int, into other: Int, start: Int) {
    unsafe spans[place].first = Int32(first)
    unsafe spans[other].block = spans[place].block
    unsafe spans[other].start = Int32(start)
    unsafe spans[other].count = Int32(first)
  }

  /// Empties a place.
  package func hide(_ place: Int) {
    unsafe spans[place].count = 0
  }

  /// Closes a run of the last `count` rows, whose first has its query at virtual `position`, and
  /// whose view is the last `spans` blocks, the nearest to 0 at virtual position `least`.
  package func endRun(rows count: Int, position: Int, least: Int = 0, spans: Int) {
    unsafe runs[runCount] = spark_run(
      row: Int32(rows - count), rows: Int32(count), position: Int32(position),
      span: Int32(spanCount - spans), spans: Int32(spans))
    runCount += 1
    positions = max(positions, position + count - least)
  }
}
