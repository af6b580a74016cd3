import Foundation
import TestSupport
import Testing

/// Must show: two workers on two queues; the segment's sums equal the ports' own counters exactly.
struct QueueTests {
  /// Two receive queues, each with packets of its own and one damaged one.
  private static func queue(_ number: Int) -> [Frame] {
    let frames = (0..<5000).map { index in
      Datagram.ipv4(from: "10.\(number).\(index / 250).\(index % 250)", to: "192.0.2.1", id: UInt16(index))
        .udp(from: UInt16(index), to: 53, payload: [UInt8](repeating: 7, count: index % 900)).frame()
    }
    return frames + [frames[0].damaged(.ipv4Checksum)]
  }

  private static func twoQueues(workers: Int, _ options: [String] = []) throws -> Forwarder {
    try Forwarder(
      workers: workers, ["--idle-exit", "0.3", "--rxq", "2", "--txq", "2", "--handoff-ring", "16384"] + options
    ) { folder in
      for number in 0..<2 {
        try Capture(frames: queue(number)).write(to: folder.appending(path: "in\(number).pcap"))
      }
      try Capture().write(to: folder.appending(path: "none.pcap"))
      let path = folder.path
      return [
        "net_pcap0,rx_pcap=\(path)/in0.pcap,rx_pcap=\(path)/in1.pcap,tx_pcap=\(path)/b0.pcap,tx_pcap=\(path)/b1.pcap",
        "net_pcap1,rx_pcap=\(path)/none.pcap,rx_pcap=\(path)/none.pcap,tx_pcap=\(path)/out0.pcap,tx_pcap=\(path)/out1.pcap",
      ]
    }
  }

  @Test(arguments: [2, 1, 0])
  func `sums over lcores and queues are the ports' own counters`(workers: Int) async throws {
    let forwarder = try Self.twoQueues(workers: workers)
    let ended = try await forwarder.run()
    ended.expectClean()
    let metrics = try await forwarder.metrics()
    let received = 2 * 5001

    #expect(metrics.sum("dpdkfwd_port_rx_packets_total", ["port": "port0"]) == received)
    #expect(metrics.sum("dpdkfwd_port_tx_packets_total", ["port": "port1"]) == received - 2)
    for (lcores, ports) in [("rx", "rx"), ("tx", "tx")] {
      let own = metrics.sum("dpdkfwd_lcore_\(lcores)_packets_total")
      #expect(own == metrics.sum("dpdkfwd_port_\(ports)_packets_total"))
      #expect(own == metrics.sum("dpdkfwd_queue_packets_total", ["direction": lcores]))
      #expect(
        metrics.sum("dpdkfwd_lcore_\(lcores)_bytes_total") == metrics.sum("dpdkfwd_port_\(ports)_bytes_total"))
    }
    #expect(metrics.drops == ["ipv4_bad_checksum": 2])
    #expect(try await forwarder.stat("check").status == .exited(0))
  }

  @Test func `each of two workers has a queue's packets, in order`() async throws {
    let forwarder = try Self.twoQueues(
      workers: 2, ["--queue-map", "(0,0,1),(0,1,2),(1,0,1),(1,1,2)", "--steer", "port"])
    let ended = try await forwarder.run()
    ended.expectClean()
    let metrics = try await forwarder.metrics()
    let received = metrics.counts("dpdkfwd_lcore_rx_packets_total", by: "lcore")
    #expect(received == ["1": 5001, "2": 5001])
    // Which transmit queue a worker has is its own affair; each carries one receive queue's packets.
    let sent = try ["out0", "out1"].map {
      try Capture(contentsOf: forwarder.folder.appending(path: "\($0).pcap")).frames
    }
    let expected = [Self.queue(0).dropLast(), Self.queue(1).dropLast()].map(Array.init)
    #expect(sent == expected || sent == expected.reversed())
  }

  @Test func `two workers on two queues of net_null lose nothing`() async throws {
    let forwarder = try Forwarder(workers: 2, ["--duration", "2", "--rxq", "2", "--txq", "2"]) { _ in
      ["net_null0", "net_null1"]
    }
    let ended = try await forwarder.run()
    ended.expectClean()
    let metrics = try await forwarder.metrics()
    #expect(metrics.counts("dpdkfwd_lcore_rx_packets_total", by: "lcore").keys.sorted() == ["1", "2"])
    for direction in ["rx", "tx"] {
      let own = metrics.sum("dpdkfwd_lcore_\(direction)_packets_total")
      #expect(own == metrics.sum("dpdkfwd_queue_packets_total", ["direction": direction]))
      #expect(own == metrics.sum("dpdkfwd_port_\(direction)_packets_total"))
    }
  }
}
