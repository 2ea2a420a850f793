import Hardware
import Testing

@Suite("Captured trees")
struct CaptureTests {
  @Test("A captured machine gives the same answers as the machine", arguments: Fixture.allCases)
  func roundTrip(fixture: Fixture) throws {
    let captured = CapturedTree.capture(try fixture.files())
    let again = try CapturedTree(captured.text)
    #expect(again == captured)
    // Of a group's own name only its place is kept.
    #expect(MachineSnapshot(SystemFiles(again)) == (try fixture.snapshot()))
  }

  @Test("Nothing private is captured")
  func privacy() throws {
    var tree = try Fixture.raspberryPi.tree()
    tree["proc/cpuinfo"]! += "\nSerial\t\t: 10000000abcdef01\nRevision\t: c04170"
    tree["proc/self/status"]! += "\nName:\tsecretname\nUid:\t1000"
    tree["proc/self/cgroup"] = "0::/user.slice/user-1000.slice/secretname.service"
    tree["proc/sys/kernel/hostname"] = "secrethost"
    tree["sys/fs/cgroup/user.slice/user-1000.slice/cpu.max"] = "200000 100000"
    tree["sys/class/power_supply/BAT0/type"] = "Battery"
    tree["sys/class/power_supply/BAT0/serial_number"] = "SN-31415"
    tree["sys/class/net/eth0/address"] = "02:42:ac:11:00:02"
    let captured = CapturedTree.capture(SystemFiles(tree))
    for secret in [
      "abcdef01", "secret", "1000.slice", "user", "SN-31415", "02:42", "Uid", "c04170",
    ] {
      #expect(!captured.text.contains(secret), "\(secret)")
    }
    let quota = MachineSnapshot(SystemFiles(captured)).conditions.limits.processorQuota
    #expect(quota == 2)
  }

  @Test("A file that is no capture is refused in one sentence")
  func refused() {
    #expect(throws: HardwareError.self) { try CapturedTree("something else\n") }
    #expect(throws: HardwareError.self) { try CapturedTree("spark hardware capture 1\nno sign\n") }
    #expect(throws: HardwareError.self) {
      try CapturedTree("spark hardware capture 1\ncpu{a-b}/x = 1\n")
    }
    #expect(throws: HardwareError.self) { try SystemFiles.open("/nonexistent") }
  }
}
