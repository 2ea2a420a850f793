import CKernels
import Foundation
import Testing

@Suite struct DequantizeTests {
  private static func fixture(_ name: String) throws -> Data {
    try Data(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/quants/\(name)"))
  }

  @Test(
    "rows of every quantized type expand to the reference values",
    arguments: weightTypes.filter { $0.multiple > 1 })
  func golden(type: spark_type, name: String, multiple: Int) throws {
    let bytes = try Self.fixture(name + ".bytes")
    let expected = try Self.fixture(name + ".f32").withUnsafeBytes {
      Array($0.bindMemory(to: Float.self))
    }
    let columns = 512
    let rowBytes = spark_row_bytes(type, columns)
    #expect(bytes.count / rowBytes * columns == expected.count && bytes.count % rowBytes == 0)
    var worst: Float = 0
    for row in 0..<bytes.count / rowBytes {
      var out = [Float](repeating: 0, count: columns)
      bytes.withUnsafeBytes {
        spark_dequantize_row(type, $0.baseAddress! + row * rowBytes, columns, &out)
      }
      for (index, value) in out.enumerated() {
        let reference = expected[row * columns + index]
        let error = abs(value - reference) / max(abs(reference), 1e-6)
        worst = error.isNaN ? .infinity : max(worst, error)
      }
    }
    #expect(worst <= 1e-6)
  }

  @Test("all 65,536 half floats expand exactly")
  func halves() {
    let all = (0...UInt16.max).map { $0 }
    var out = [Float](repeating: 0, count: all.count)
    spark_dequantize_row(SPARK_F16, all, all.count, &out)
    for (bits, value) in zip(all, out) {
      let expected = Float(Float16(bitPattern: bits))
      #expect(value == expected || (value.isNaN && expected.isNaN))
    }
  }
}
