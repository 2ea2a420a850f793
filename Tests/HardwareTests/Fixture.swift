import Foundation
import Hardware

/// The captured machines.
enum Fixture: String, CaseIterable {
  case intelLaptop = "intel-laptop"
  case amdDesktop = "amd-desktop"
  case intelServer = "intel-server"
  case armBoard = "arm-board"
  case raspberryPi = "raspberry-pi"
  case cloudVM = "cloud-vm"
  case container
  case hostile

  var path: String {
    URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/\(rawValue).txt").path
  }

  func tree() throws -> CapturedTree {
    try CapturedTree(String(contentsOfFile: path, encoding: .utf8))
  }

  func files() throws -> SystemFiles { try SystemFiles.open(path) }

  func snapshot() throws -> MachineSnapshot { MachineSnapshot(try files()) }
}
