internal import CEdit
import Glibc

/// Lines typed at a terminal, with the usual keys and those typed before.
///
/// Used by one task at a time, which is why it is `Sendable`, unchecked.
@safe
final class LineEditor: @unchecked Sendable {
  private let editor: OpaquePointer
  private let lines: OpaquePointer
  private let state: UnsafeMutablePointer<spark_edit_state>

  /// Nil where the terminal cannot be used.
  init?() {
    // What is typed is UTF-8, also where the environment says nothing.
    _ = unsafe setlocale(LC_CTYPE, "")
    if unsafe String(cString: nl_langinfo(Int32(CODESET))) != "UTF-8" {
      _ = unsafe setlocale(LC_CTYPE, "C.UTF-8")
    }
    guard let lines = unsafe history_init() else { return nil }
    guard let editor = unsafe spark_edit_make() else {
      unsafe history_end(lines)
      return nil
    }
    unsafe self.editor = editor
    unsafe self.lines = lines
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: spark_edit_state(prompt: nil, interrupted: 0))
    unsafe spark_edit_configure(editor, lines, state)
  }

  deinit {
    unsafe el_end(editor)
    unsafe history_end(lines)
    unsafe state.deallocate()
  }

  /// Adds a line to those that the arrow keys bring back.
  func remember(_ line: String) {
    guard !line.isEmpty, !line.utf8.contains(0) else { return }
    unsafe spark_edit_remember(lines, line)
  }

  /// Waits for a line. Blocks its thread.
  func read(prompt: String) -> LineSource.Line {
    // Pasted text is told from typed one where the terminal knows how.
    Output.error.tell("\u{1B}[?2004h")
    defer { Output.error.tell("\u{1B}[?2004l") }
    unsafe state.pointee.interrupted = 0
    var count: Int32 = 0
    let line = unsafe prompt.withCString { text in
      unsafe state.pointee.prompt = text
      defer { unsafe state.pointee.prompt = nil }
      return unsafe el_gets(editor, &count)
    }
    guard let line = unsafe line, count > 0 else {
      return unsafe state.pointee.interrupted == 0 ? .end : .interrupted(wasEmpty: true)
    }
    let bytes = unsafe UnsafeBufferPointer(start: line, count: Int(count)).map(
      UInt8.init(bitPattern:))
    var text = String(decoding: bytes, as: UTF8.self)
    if text.hasSuffix("\n") { text.removeLast() }
    guard unsafe state.pointee.interrupted == 0 else {
      Output.error.tell("\n")
      return .interrupted(wasEmpty: text.isEmpty)
    }
    return .text(text)
  }
}
