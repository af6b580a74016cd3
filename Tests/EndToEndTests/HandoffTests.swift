import Foundation
import TestSupport
import Testing

/// Must show: one, two and four workers give the same result on the same capture (C36, W8).
struct HandoffTests {
  /// Conversations of many hosts, each packet with its place in its conversation; ICMP errors, fragments and frames
  /// without addresses among them.
  private static let frames: [Frame] = {
    var frames: [Frame] = []
    for round in 0..<20 {
      for host in 0..<150 {
        let (client, server): (Address, Address) = (
          "10.1.\(host / 100).\(host % 100 + 1)", "192.0.2.\(host % 9 + 1)"
        )
        let question = Datagram.ipv4(from: client, to: server)
          .udp(from: UInt16(4000 + host), to: 53, payload: [UInt8(round)] + [UInt8](repeating: 7, count: host))
        frames += [question.frame(), question.reversed.frame()]
        if host % 10 == 0 { frames += question.fragments(size: 64).map { $0.frame() } }
        if host % 25 == 0 {
          frames.append(
            Datagram.ipv4(from: "203.0.113.1", to: client).icmp(
              type: 3, code: 1, id: 0, seq: UInt16(round), payload: Array(question.frame().bytes.dropFirst(14))
            ).frame())
          frames.append(.etherType(EtherType.lldp, [2, 7, 4, UInt8(round)]))
        }
        let six = Datagram.ipv6(from: "2001:db8::\(host + 1)", to: "2001:db8:1::1")
        frames.append(six.tcp(from: UInt16(5000 + host), to: 80, flags: .ack, payload: [UInt8(round)]).frame())
      }
    }
    return frames
  }()

  /// One source; each worker has a transmit queue, and a capture of what it sent.
  private static func bridge(workers: Int, _ options: [String] = []) throws -> Forwarder {
    let common = ["--idle-exit", "0.5", "--handoff-ring", "8192", "--conntrack", "off"]
    return try Forwarder(workers: workers, memory: ["--no-huge", "-m", "700"], common + options) { folder in
      try Capture(frames: frames).write(to: folder.appending(path: "in.pcap"))
      try Capture().write(to: folder.appending(path: "none.pcap"))
      func outputs(_ name: String) -> String {
        (0..<workers).map { ",tx_pcap=\(folder.path)/\(name)\($0).pcap" }.joined()
      }
      return [
        "net_pcap0,rx_pcap=\(folder.path)/in.pcap" + outputs("back"),
        "net_pcap1,rx_pcap=\(folder.path)/none.pcap" + outputs("out"),
      ]
    }
  }

  private static func output(of forwarder: Forwarder, workers: Int) throws -> [[Frame]] {
    try (0..<workers).map { try Capture(contentsOf: forwarder.folder.appending(path: "out\($0).pcap")).frames }
  }

  @Test(arguments: [1, 2, 4], ["address-pair", "five-tuple"])
  func `however many workers, the same frames leave, and each flow by one worker and in order`(
    workers: Int, steer: String
  ) async throws {
    let forwarder = try Self.bridge(workers: workers, ["--steer", steer])
    let ended = try await forwarder.run()
    ended.expectClean()
    let outputs = try Self.output(of: forwarder, workers: workers)
    func counted(_ frames: [Frame]) -> [Frame: Int] { frames.reduce(into: [:]) { $0[$1, default: 0] += 1 } }
    #expect(counted(outputs.flatMap(\.self)) == counted(Self.frames))
    // By their addresses, whole datagrams lie in one output, in the order in which they came.
    for (addresses, sent) in Dictionary(grouping: Self.frames.filter(isWhole), by: pair) {
      let places = outputs.map { $0.filter { isWhole($0) && pair($0) == addresses } }
      #expect(places.filter { !$0.isEmpty } == [sent])
    }
    #expect(try await forwarder.stat("check").status == .exited(0))
    let metrics = try await forwarder.metrics()
    let out = metrics.sum("dpdkfwd_handoff_out_packets_total")
    #expect(out == metrics.sum("dpdkfwd_handoff_in_packets_total"))
    #expect(workers == 1 ? out == 0 : out ?? 0 > Self.frames.count / 10)
    #expect(metrics.sum("dpdkfwd_lcore_rx_packets_total") == Self.frames.count)
  }

  @Test func `what a ring has no room for is dropped by that name, and all buffers come back`() async throws {
    let forwarder = try Self.bridge(workers: 2, ["--handoff-ring", "64", "--idle-sleep", "spin"])
    let ended = try await forwarder.run()
    ended.expectClean()
    #expect(try await forwarder.stat("check").status == .exited(0))
    let metrics = try await forwarder.metrics()
    #expect(
      metrics.sum("dpdkfwd_handoff_dropped_packets_total") == metrics.drops["handoff_full", default: 0])
    let sent = metrics.sum("dpdkfwd_lcore_tx_packets_total") ?? 0
    // Fragments whose fellows found no room end for reasons of their own.
    #expect(sent + metrics.drops.values.reduce(0, +) == Self.frames.count)
  }

  @Test func `with one transmit queue there is one owner, and the plan says so`() async throws {
    let forwarder = try Forwarder(workers: 3, ["--dry-run", "--queue-map", "(0,0,1),(1,0,2)"]) { folder in
      try Capture().write(to: folder.appending(path: "none.pcap"))
      return (0..<2).map { "net_pcap\($0),rx_pcap=\(folder.path)/none.pcap,tx_pcap=\(folder.path)/out\($0).pcap" }
    }
    let ended = try await forwarder.run()
    #expect(ended.status == .exited(0))
    #expect(ended.output.contains("1 of 3 lcores own their flows, for want of transmit queues"), "\(ended.output)")
    #expect(ended.output.contains("lcore 2: socket 0, receives 1/0, sends nothing"), "\(ended.output)")
  }

  private func isWhole(_ frame: Frame) -> Bool {
    frame.isIPv6 || frame.bytes[12] == 8 && frame.bytes[20] & 0x3F == 0 && frame.bytes[21] == 0 && frame.bytes[23] == 17
  }

  private func pair(_ frame: Frame) -> [[UInt8]] {
    let (first, size) = frame.isIPv6 ? (22, 16) : (26, 4)
    return [first, first + size].map { Array(frame.bytes[$0..<($0 + size)]) }.sorted {
      $0.lexicographicallyPrecedes($1)
    }
  }
}
