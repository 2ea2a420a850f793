import Generation

extension Engine {
  /// Tells what keeps the engine from using all of the machine, a line each on standard error.
  func tellNotices() {
    for notice in notices { Output.error.tell("spark: \(notice)\n") }
  }
}
