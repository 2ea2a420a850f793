import FoundationEssentials

/// Where memory is kept when no folder is named: the user's data, by the XDG Base Directory
/// Specification.
enum StoreFolder {
  /// The rule, for help texts.
  static let advice = "$SPARK_STORE, else spark in $XDG_DATA_HOME or ~/.local/share"

  static func path(environment: [String: String] = ProcessEnvironment.current) -> String {
    func value(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let store = value("SPARK_STORE") { return store }
    // The specification has relative paths ignored.
    if let data = value("XDG_DATA_HOME"), data.hasPrefix("/") { return data + "/spark" }
    return (value("HOME") ?? ".") + "/.local/share/spark"
  }

  /// Whether there is a store in a folder.
  static func holdsMemory(_ folder: String) -> Bool {
    var isDirectory = false
    return FileManager.default.fileExists(atPath: folder + "/segments", isDirectory: &isDirectory)
      && isDirectory
  }
}
