import Dispatch
import Glibc

/// The lines of standard input: typed at a terminal, with editing, or piped in.
final class LineSource {
  enum Line: Equatable {
    case text(String)
    case interrupted(wasEmpty: Bool)
    case end
  }

  private let editor: LineEditor?
  private var buffer: [UInt8] = []
  private var isAtEnd = false

  init() {
    editor = isatty(STDIN_FILENO) == 1 && Output.error.isTerminal ? LineEditor() : nil
  }

  /// Whether someone types.
  var isInteractive: Bool { editor != nil }

  /// Lines for the arrow keys to bring back.
  func remember(_ lines: some Sequence<String>) { for line in lines { editor?.remember(line) } }

  /// The next line; one that ends in a backslash goes on in the line after it.
  func next() async throws -> Line {
    var whole = ""
    while true {
      switch try await line(prompt: whole.isEmpty ? "> " : ". ") {
      case .text(let text) where text.hasSuffix("\\"): whole += text.dropLast() + "\n"
      case .text(let text):
        whole += text
        editor?.remember(whole)
        return .text(whole)
      case .interrupted(let wasEmpty): return .interrupted(wasEmpty: wasEmpty && whole.isEmpty)
      case .end: return whole.isEmpty ? .end : .text(whole)
      }
    }
  }

  private func line(prompt: String) async throws -> Line {
    guard let editor else { return try pipedLine() }
    // Beside the pool of Swift's threads, which the engine's idle work needs.
    return await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: editor.read(prompt: prompt)) }
    }
  }

  private func pipedLine() throws -> Line {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = try text(buffer[..<end])
        buffer.removeFirst(end + 1)
        return .text(line)
      }
      if isAtEnd {
        defer { buffer = [] }
        return buffer.isEmpty ? .end : .text(try text(buffer[...]))
      }
      var chunk = [UInt8](repeating: 0, count: 65_536)
      let count = unsafe chunk.withUnsafeMutableBytes {
        unsafe read(STDIN_FILENO, $0.baseAddress, $0.count)
      }
      if count > 0 {
        buffer += chunk[..<count]
      } else if count == 0 {
        isAtEnd = true
      } else if errno != EINTR {
        throw InputError("standard input cannot be read: \(SystemError(errno)).")
      }
    }
  }

  private func text(_ bytes: ArraySlice<UInt8>) throws -> String {
    let bytes = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw InputError("standard input is not UTF-8 text.")
    }
    return text
  }
}
