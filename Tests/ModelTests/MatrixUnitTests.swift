import Model
import Testing

@Suite("The matrix unit, as the system lets it be used")
struct MatrixUnitTests {
  @Test("What the processor has and the system refuses is told, in one line")
  func refused() throws {
    let unit = MatrixUnit(isPresent: true, isPermitted: false)
    #expect(unit == .refused)
    let remark = try #require(unit.remark(chosen: nil, best: .avx512))
    #expect(remark.contains("avx512") && remark.contains("refuses"))
    #expect(!remark.contains("\n"))
  }

  @Test(
    "Nothing is said to somebody who chose the instruction set", arguments: InstructionSet.allCases)
  func chosen(_ set: InstructionSet) {
    let unit = MatrixUnit(isPresent: true, isPermitted: false)
    #expect(unit.remark(chosen: set, best: .avx512) == nil)
  }

  @Test("Nothing is said where there is no unit, or where it may be used")
  func quiet() {
    for (present, permitted) in [(false, false), (true, true)] {
      let unit = MatrixUnit(isPresent: present, isPermitted: permitted)
      #expect(unit == (present ? .usable : .absent))
      #expect(unit.remark(chosen: nil, best: .avx2) == nil)
    }
  }

  @Test("This machine's answer agrees with the kernels there are")
  func current() {
    #expect((MatrixUnit.current == .usable) == InstructionSet.amx.isAvailable)
  }
}
