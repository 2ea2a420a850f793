/// When each module of each pass ran: the latest of them, in order of time.
public struct PassTrace: Sendable {
  package struct Slice: Sendable {
    /// Nanoseconds of the system's monotonic clock.
    package var began: UInt64
    package var duration: UInt64
    package var module: ProfileModule
    /// Nil outside of the layers.
    package var layer: Int?
  }

  package struct Pass: Sendable {
    package var began: UInt64
    package var ended: UInt64
    package var phase: ProfilePhase
    /// Tokens of prompts, and others.
    package var read: Int
    package var decoded: Int
  }

  package var slices: [Slice]
  package var passes: [Pass]
  /// Earlier slices that there was no room for.
  package var lostSlices: Int

  /// Writes the trace as JSON that Perfetto and Chrome open: a slice for each pass, in it one for each layer,
  /// and in it one for each module; and a counter of rows.
  ///
  /// The format is that of Google's "Trace Event Format"; times are microseconds since the first event.
  ///
  /// - Parameter write: takes the text, a piece at a time.
  public func writeJSON(_ write: (String) throws -> Void) rethrows {
    let origin = min(passes.first?.began ?? .max, slices.first?.began ?? .max)
    var text = """
      {"displayTimeUnit":"ms","otherData":{"lost_slices":\(lostSlices)},"traceEvents":[
      {"name":"process_name","ph":"M","pid":1,"tid":1,"args":{"name":"spark"}},
      {"name":"thread_name","ph":"M","pid":1,"tid":1,"args":{"name":"compute"}}
      """
    func flush(above length: Int = 0) throws {
      guard text.utf8.count > length else { return }
      try write(text)
      text.removeAll(keepingCapacity: true)
    }
    func add(
      _ name: String, _ category: String, _ began: UInt64, _ ended: UInt64, _ arguments: String
    ) {
      text += """
        ,
        {"name":"\(name)","cat":"\(category)","ph":"X","pid":1,"tid":1,"ts":\(Self.microseconds(began - origin)),\
        "dur":\(Self.microseconds(ended - began)),"args":{\(arguments)}}
        """
    }
    func count(_ read: Int, _ decoded: Int, at time: UInt64) {
      text += """
        ,
        {"name":"rows","ph":"C","pid":1,"ts":\(Self.microseconds(time - origin)),\
        "args":{"read":\(read),"decoded":\(decoded)}}
        """
    }
    for (number, pass) in passes.enumerated() {
      add(
        "\(pass.phase)", "pass", pass.began, pass.ended,
        "\"pass\":\(number),\"read\":\(pass.read),\"decoded\":\(pass.decoded)")
      count(pass.read, pass.decoded, at: pass.began)
      count(0, 0, at: pass.ended)
      try flush(above: 1 << 16)
    }
    var layer: (index: Int, began: UInt64, ended: UInt64)?
    func endLayer() {
      guard let ended = layer else { return }
      add("layer \(ended.index)", "layer", ended.began, ended.ended, "\"layer\":\(ended.index)")
      layer = nil
    }
    for slice in slices {
      let ended = slice.began + slice.duration
      if let open = layer, open.index != slice.layer || open.ended != slice.began { endLayer() }
      if let index = slice.layer { layer = (index, layer?.began ?? slice.began, ended) }
      // Between two modules the rest of the step has often nothing to do.
      if slice.duration > 0 {
        add(
          slice.module.title, "module", slice.began, ended,
          slice.layer.map { "\"layer\":\($0)" } ?? "")
      }
      try flush(above: 1 << 16)
    }
    endLayer()
    text += "\n]}\n"
    try flush()
  }

  /// Nanoseconds as microseconds with three decimals.
  private static func microseconds(_ nanoseconds: UInt64) -> String {
    let fraction = String(nanoseconds % 1000)
    return "\(nanoseconds / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
  }
}
