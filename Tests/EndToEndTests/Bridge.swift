import Foundation
import TestSupport
import Testing

/// A pair of `net_pcap` ports: frames of one capture go in at the first and out at the second.
struct Bridge {
  let forwarder: Forwarder
  let input: [Frame]
  /// Fragments are packets like others: what goes in comes out at once, and in order.
  static let crossing = ["--frag-v4", "off", "--frag-v6", "off"]

  init(_ capture: URL, workers: Int = 1, _ options: [String] = []) throws {
    input = try Capture(contentsOf: capture).frames
    forwarder = try Forwarder(workers: workers, ["--idle-exit", "0.2"] + options) { folder in
      Self.vdevs(from: capture, in: folder)
    }
  }

  init(_ frames: [Frame], workers: Int = 1, _ options: [String] = []) throws {
    input = frames
    forwarder = try Forwarder(workers: workers, ["--idle-exit", "0.2"] + options) { folder in
      let capture = folder.appending(path: "in.pcap")
      try Capture(frames: frames).write(to: capture)
      return Self.vdevs(from: capture, in: folder)
    }
  }

  private static func vdevs(from capture: URL, in folder: URL) -> [String] {
    [
      "net_pcap0,rx_pcap=\(capture.path),tx_pcap=\(folder.path)/back.pcap",
      "net_pcap1,tx_pcap=\(folder.path)/out.pcap",
    ]
  }

  /// What came out; complete only when the forwarder has ended.
  var output: [Frame] {
    get throws { try Capture(contentsOf: forwarder.folder.appending(path: "out.pcap")).frames }
  }

  /// Runs to the end, and expects that exactly the frames with a fault in their IP header are missing, each counted
  /// under the name of its fault, in the metrics and at exit, and that the others came out as they were, in order.
  ///
  /// - Returns: the counters after the end.
  @discardableResult
  func expectCrossing(sourceLocation: SourceLocation = #_sourceLocation) async throws -> Metrics {
    let ended = try await forwarder.run()
    ended.expectClean(sourceLocation: sourceLocation)
    let crossing = Crossing(from: input, to: try output)
    #expect(crossing.stray == nil, "not the next frame that went in", sourceLocation: sourceLocation)

    let faulty = input.indices.filter { input[$0].headerFault != nil }
    #expect(crossing.missing == faulty, "missing, and faulty", sourceLocation: sourceLocation)
    let faults = faulty.reduce(into: [:]) { $0[input[$1].headerFault!, default: 0] += 1 }
    let metrics = try await forwarder.metrics()
    #expect(metrics.drops == faults, sourceLocation: sourceLocation)
    #expect(ended.balance?.reasons == faults, sourceLocation: sourceLocation)
    #expect(ended.balance?.received == input.count, sourceLocation: sourceLocation)
    #expect(
      metrics.sum("dpdkfwd_port_rx_packets_total", ["port": "port0"]) == input.count, sourceLocation: sourceLocation)
    #expect(
      metrics.sum("dpdkfwd_port_tx_packets_total", ["port": "port1"]) == input.count - faulty.count,
      sourceLocation: sourceLocation)
    return metrics
  }
}
