import Foundation
import TestSupport
import Testing

/// `--user`: root opens what needs it, somebody else forwards and ends the run.
struct PrivilegeTests {
  private static let frames = (0..<64).map { number in
    Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: UInt16(number), to: 53).frame(padTo: 60)
  }

  /// What the kernel says of each thread of a process: lines of `/proc/PID/task/TID/status` by their first word.
  private static func threads(of process: pid_t) throws -> [[Substring: [Substring]]] {
    let folder = "/proc/\(process)/task"
    return try FileManager.default.contentsOfDirectory(atPath: folder).map { thread in
      let status = try String(contentsOfFile: "\(folder)/\(thread)/status", encoding: .utf8)
      let lines = status.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
      return Dictionary(uniqueKeysWithValues: lines.map { ($0[0], Array($0.dropFirst())) })
    }
  }

  @Test(.enabled("needs root") { getuid() == 0 }, arguments: [1, 0])
  func `every thread becomes the user, without capabilities, and the run ends as it should`(workers: Int) async throws {
    let forwarder = try Forwarder(workers: workers, ["--duration", "200", "--user", "65534:65533"]) { folder in
      try Capture(frames: Self.frames).write(to: folder.appending(path: "in.pcap"))
      return [
        "net_pcap0,rx_pcap=\(folder.path)/in.pcap,tx_pcap=\(folder.path)/back.pcap",
        "net_pcap1,tx_pcap=\(folder.path)/out.pcap",
      ]
    }
    let (_, ended) = try await forwarder.run { running in
      try await running.forwarding()
      let threads = try Self.threads(of: running.process.id)
      #expect(threads.count > 1)
      for thread in threads {
        #expect(thread["Uid:"] == ["65534", "65534", "65534", "65534"])
        #expect(thread["Gid:"] == ["65533", "65533", "65533", "65533"])
        #expect(thread["Groups:"] == ["65533"])
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
          #expect(thread[Substring(set)] == ["0000000000000000"])
        }
      }
      try running.send(SIGTERM)
    }
    ended.expectClean()
    let out = try Capture(contentsOf: forwarder.folder.appending(path: "out.pcap"))
    #expect(out.frames == Self.frames)
    let shown = try await forwarder.stat("show", "lcores")
    #expect(shown.output.contains("stopped"), "\(shown.output)")
    #expect(try await forwarder.stat("check").status == .exited(0))
    let segment = try FileManager.default.attributesOfItem(atPath: "/dev/shm/dpdkfwd/\(forwarder.prefix)/segment")
    #expect(segment[.ownerAccountID] as? Int == 0)
  }

  @Test(
    .enabled("needs root") { getuid() == 0 },
    arguments: [
      ("nobody-has-this-name", "there is no user 'nobody-has-this-name'"),
      ("nobody:nobody-has-this-name", "there is no group 'nobody-has-this-name'"),
      ("root", "that is root"),
      ("4242424", "no group of its own"),
    ])
  func `somebody it cannot become is refused before ports are started, exit 69`(user: String, why: String) async throws
  {
    let forwarder = try Forwarder(["--duration", "5", "--user", user]) { _ in ["net_null0", "net_null1"] }
    let ended = try await forwarder.run()
    #expect(ended.status == .exited(69))
    #expect(ended.errors.contains("user \(user): "), "\(ended.errors)")
    #expect(ended.errors.contains(why), "\(ended.errors)")
    #expect(ended.balance == nil)
  }
}
