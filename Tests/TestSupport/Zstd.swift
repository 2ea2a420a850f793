import CZstd

/// Zstandard decompression for fixtures.
package enum Zstd {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// The content of a single frame that states its size, at most `limit` bytes.
  package static func decompress(_ frame: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
    let size = unsafe frame.withUnsafeBytes { frame in
      unsafe ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
    }
    // Unknown and invalid sizes are the two largest values.
    guard size <= UInt64(limit) else {
      throw Failure(description: "the frame is damaged or larger than \(limit) bytes")
    }
    var code = 0
    let content = unsafe [UInt8](unsafeUninitializedCapacity: Int(size)) { content, count in
      code = unsafe frame.withUnsafeBytes { frame in
        unsafe ZSTD_decompress(content.baseAddress, content.count, frame.baseAddress, frame.count)
      }
      count = ZSTD_isError(code) == 0 ? code : 0
    }
    guard ZSTD_isError(code) == 0 else {
      throw Failure(description: unsafe String(cString: ZSTD_getErrorName(code)))
    }
    return content
  }
}
