/// What kind of processor this is, from `/proc/cpuinfo`.
package struct ProcessorModel: Codable, Equatable, Sendable {
  /// As its maker calls it; nil where the kernel does not say.
  package var name: String?
  /// The board it is on, which ARM kernels tell.
  package var board: String?
  /// Extensions that Spark's kernels use or may come to use, as the kernel spells them.
  package var extensions: [String]
  /// Whether a hypervisor stands between this system and the machine.
  package var isVirtual: Bool

  static let fields = [
    "model name", "Model", "Hardware", "flags", "Features", "CPU implementer", "CPU part",
  ]

  private static let known = [
    "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme",
  ]

  init(_ files: SystemFiles) {
    let text = files.text("proc/cpuinfo") ?? ""
    func field(_ name: String) -> String? { SystemFiles.field(name, of: text) }
    let words = (field("flags") ?? field("Features") ?? "").split(separator: " ")
    let flags = Set(words.map(String.init))
    name = field("model name") ?? Self.armName(field("CPU implementer"), text)
    board = field("Model") ?? field("Hardware")
    extensions = Self.known.filter(flags.contains)
    isVirtual = flags.contains("hypervisor")
  }

  /// ARM's own cores by part number (Arm's Main ID Register, "Primary part number"), biggest last
  /// as the kernel lists them.
  private static func armName(_ implementer: String?, _ text: String) -> String? {
    guard implementer == "0x41" else { return nil }
    let parts = [
      "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd07": "Cortex-A57",
      "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76",
      "0xd0c": "Neoverse N1", "0xd40": "Neoverse V1", "0xd41": "Cortex-A78", "0xd44": "Cortex-X1",
      "0xd46": "Cortex-A510", "0xd47": "Cortex-A710", "0xd48": "Cortex-X2",
      "0xd49": "Neoverse N2", "0xd4f": "Neoverse V2",
    ]
    var names: [String] = []
    for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("CPU part") {
      guard let part = line.split(separator: ":").last.map({ String($0.trimmed) }),
        let name = parts[part], !names.contains(name)
      else { continue }
      names.append(name)
    }
    return names.isEmpty ? nil : names.joined(separator: " and ")
  }
}
