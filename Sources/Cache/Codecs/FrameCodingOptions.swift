/// How hard frames are compressed. Every coder reads what any other wrote.
package struct FrameCodingOptions: Sendable, Hashable {
  /// Effort of zstd, 1...19. Beyond 1, frames shrink by a few thousandths and take several times as
  /// long to write.
  package var level: Int

  package init(level: Int = 1) { self.level = level }
}
