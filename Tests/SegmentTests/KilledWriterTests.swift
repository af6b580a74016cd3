import Foundation
import Segment
import Testing

/// A real death: the test binary starts itself as a forwarder of nothing and kills it.
@Suite struct KilledWriterTests {
  private static let folder = "DPDKFWD_SEGMENT_TEST_CHILD"
  private static let isChild = ProcessInfo.processInfo.environment[folder] != nil

  @Test(.enabled(if: isChild)) func `the child writes until it is killed`() throws {
    let root = try #require(ProcessInfo.processInfo.environment[Self.folder])
    let writer = try SegmentWriter(
      prefix: "child", schema: .small, options: SegmentOptions(root: root), writer: "0.1", tscHz: 1)
    writer.setState(.running)
    for _ in 0..<60 { sleep(1) }
    withExtendedLifetime(writer) {}
  }

  @Test(.enabled(if: !isChild)) func `a forwarder killed with SIGKILL leaves a stale segment and a free prefix`() throws
  {
    let scratch = Scratch()
    let child = Process()
    child.executableURL = URL(
      fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    child.arguments = ["--testing-library", "swift-testing", "--filter", "the child writes until it is killed"]
    child.environment = ProcessInfo.processInfo.environment.merging([Self.folder: scratch.root]) { $1 }
    child.standardOutput = FileHandle.nullDevice
    child.standardError = FileHandle.nullDevice
    try child.run()
    defer { kill(child.processIdentifier, SIGKILL) }
    let reader = try #require(waitForReader(scratch))
    #expect(try reader.liveness() == .running)
    #expect(reader.info.pid == Int(child.processIdentifier))
    #expect(throws: SegmentError.owned(prefix: "child", pid: Int(child.processIdentifier))) {
      try scratch.writer("child")
    }

    kill(child.processIdentifier, SIGKILL)
    child.waitUntilExit()
    #expect(try reader.liveness() == .stale)
    #expect(throws: Never.self) { try scratch.writer("child") }
    #expect(try scratch.reader("child", previous: true).info.pid == Int(child.processIdentifier))
  }

  private func waitForReader(_ scratch: Scratch) -> SegmentReader? {
    for _ in 0..<15_000 {
      if let reader = try? scratch.reader("child"), (try? reader.liveness()) == .running { return reader }
      usleep(10_000)
    }
    return nil
  }
}
