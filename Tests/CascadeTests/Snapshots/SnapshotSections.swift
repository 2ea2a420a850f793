import Cache
import TestSupport

/// A snapshot taken apart by docs/snapshot-format.md, without the code that is tested.
struct SnapshotSections {
  struct Section {
    var kind: String
    /// Decompressed.
    var content: [UInt8]
    /// What the header claims; nil: what is true.
    var claimed: UInt64?
  }

  var sections: [Section] = []

  /// Where each section begins; the last one is the end of all.
  static func starts(_ bytes: [UInt8]) -> [Int] {
    var starts = [16]
    while let last = starts.last, last < bytes.count {
      starts.append((0..<8).reduce(last + 40) { $0 + Int(bytes[last + 8 + $1]) << ($1 * 8) })
    }
    return starts
  }

  init(_ bytes: [UInt8]) throws {
    var at = 16
    func number(_ from: Int, _ size: Int) -> Int {
      (0..<size).reduce(0) { $0 | Int(bytes[from + $1]) << ($1 * 8) }
    }
    while at < bytes.count {
      let kind = String(decoding: bytes[at..<at + 4], as: UTF8.self)
      let (encoding, stored) = (number(at + 4, 4), number(at + 8, 8))
      let content = Array(bytes[at + 40..<at + 40 + stored])
      sections.append(
        Section(
          kind: kind,
          content: encoding == 0 ? content : try Zstd.decompress(content, limit: 64 << 20)))
      at += 40 + stored
    }
  }

  func contents(of kind: String) -> [[UInt8]] {
    sections.filter { $0.kind == kind }.map(\.content)
  }

  mutating func change(_ kind: String, number: Int = 0, _ body: (inout Section) -> Void) {
    let places = sections.indices.filter { sections[$0].kind == kind }
    body(&sections[places[number]])
  }

  /// Puts it together again, all checksums and counts being right.
  func sealed(version: UInt32 = 1, flags: UInt32 = 0) -> [UInt8] {
    func little(_ number: UInt64, _ size: Int = 8) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
    var bytes =
      Array("SPARKSNP".utf8) + little(UInt64(version), 4) + little(UInt64(flags), 4)
    var link = Checksum.xxh64(bytes)
    for (index, section) in sections.enumerated() {
      var content = section.content
      if section.kind == "END." {
        let blocks = sections.count { $0.kind == "BLCK" }
        let turns = sections.count { $0.kind == "TURN" }
        content =
          little(UInt64(index)) + little(UInt64(turns)) + little(UInt64(blocks))
          + little(UInt64(bytes.count))
      }
      let claimed = section.claimed ?? UInt64(content.count)
      let header =
        Array(section.kind.utf8) + little(0, 4) + little(claimed) + little(claimed)
        + little(Checksum.xxh64(content))
      link = Checksum.xxh64(header, seed: link)
      bytes += header + little(link) + content
    }
    return bytes
  }
}
