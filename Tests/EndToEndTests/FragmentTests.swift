import Foundation
import TestSupport
import Testing

/// Must show: of every real capture the datagrams that are whole come out whole, and no other, whoever puts them
/// together (F41, F42, F47).
struct FragmentTests {
  @Test(
    .enabled(if: Shared.isThere, "the corpus of real captures is not beside the package"),
    arguments: FragmentTests.captures, [1, 2, 4])
  func `the datagrams of a real capture are those of its manifest`(_ known: CaptureFacts, workers: Int) async throws {
    let pair = try SplitPair(workers: workers, ["--frag-per-datagram", "8190"]) { _ in known.url.path }
    let ended = try await pair.forwarder.run()
    ended.expectClean("\(known)")
    let datagrams = try pair.outputs.flatMap {
      try #require(Defragmented.all(in: $0), "a datagram in pieces, or not whole")
    }
    let sums = try await SHA256.sums(of: datagrams.map(\.payload))
    let found = zip(datagrams, sums).map {
      "\($0.source) \($0.destination) \($0.identification) \($0.payload.count) \($1)"
    }
    #expect(found.sorted() == Self.expected(known), "\(known)")
    let metrics = try await pair.forwarder.metrics()
    #expect(metrics.sum("dpdkfwd_frag_datagrams_total", ["event": "completed"]) == datagrams.count)
    #expect(try await pair.forwarder.stat("check").status == .exited(0))
  }

  private static let captures = Shared.manifest.filter {
    $0.facts.ipv4Reassembly != nil || $0.facts.ipv6Reassembly != nil
  }

  /// Those that are complete. A second copy of a fragment with other bytes is a duplicate to us as to Linux, whose first
  /// copy stays: the manifest calls that an overlap, and says what the payload is then.
  private static func expected(_ known: CaptureFacts) -> [String] {
    let all = (known.facts.ipv4Reassembly?.list ?? []) + (known.facts.ipv6Reassembly?.list ?? [])
    return all.filter { one in
      one.verdict == "complete" || one.verdict == "overlap" && one.flags?.contains("overlap") == false
    }.map { one in
      "\(Address(stringLiteral: one.src)) \(Address(stringLiteral: one.dst)) \(one.id) \(one.length ?? -1) "
        + "\(one.sha256 ?? "")"
    }.sorted()
  }

  /// F47: each fragment of a datagram by another queue, to another worker.
  @Test(arguments: [2, 4], ["address-pair", "five-tuple"])
  func `fragments that come by several queues make a datagram`(workers: Int, steer: String) async throws {
    let datagrams = (0..<400).map { number in
      Datagram.ipv4(from: "10.0.\(number % 5).1", to: "192.0.2.1", id: UInt16(number))
        .udp(from: UInt16(3000 + number), to: 53, payload: (0..<500).map { UInt8(truncatingIfNeeded: $0 &* number) })
    }
    let pieces = datagrams.map { $0.fragments(size: 128).map { $0.frame() } }
    let pair = try SplitPair(workers: workers, ["--steer", steer, "--frag-max", "16384"], queues: workers) { folder in
      for queue in 0..<workers {
        let own = pieces.enumerated().flatMap { number, frames in
          frames.enumerated().filter { ($0.offset + number) % workers == queue }.map(\.element)
        }
        try Capture(frames: own).write(to: folder.appending(path: "in\(queue).pcap"))
      }
      return (0..<workers).map { "\(folder.path)/in\($0).pcap" }.joined(separator: ",rx_pcap=")
    }
    let ended = try await pair.forwarder.run()
    ended.expectClean()
    let out = try pair.outputs.flatMap { try #require(Defragmented.all(in: $0)) }
    #expect(Set(out.map(\.payload)) == Set(datagrams.map { Array($0.bytes.dropFirst(20)) }))
    #expect(out.count == datagrams.count && ended.balance?.dropped == 0)
    let metrics = try await pair.forwarder.metrics()
    #expect(metrics.sum("dpdkfwd_handoff_out_packets_total") ?? 0 > 0)
    if steer == "five-tuple" {
      // Each datagram is tracked once, by the owner of its flow.
      #expect(metrics.sum("dpdkfwd_frag_datagrams_total", ["event": "handed_off"]) ?? 0 > 0)
    }
    #expect(metrics.sum("dpdkfwd_ct_packets_total", ["class": "new_original"]) == datagrams.count)
  }

  /// frag4-28, F41: pieces too large for the egress are cut anew, and the balance holds.
  @Test func `what does not fit the MTU is cut anew`() async throws {
    let datagrams = (0..<50).map { number in
      (number.isMultiple(of: 2)
        ? Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: UInt16(number))
        : Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2"))
        .udp(from: UInt16(3000 + number), to: 53, payload: (0..<4000).map { UInt8(truncatingIfNeeded: $0 &+ number) })
    }
    let frames = datagrams.enumerated().flatMap { number, datagram in
      datagram.fragments(size: 1448, id: UInt32(number)).map { $0.frame() }
    }
    // Small buffers: what is made lies in several, too.
    let bridge = try Bridge(frames, ["--mtu", "1000", "--mbuf-size", "512"])
    let ended = try await bridge.forwarder.run()
    ended.expectClean()
    #expect(ended.balance?.cut == 150 && ended.balance?.made ?? 0 > 150)
    let output = try bridge.output
    let whole = try #require(Defragmented.all(in: output))
    #expect(whole.map(\.payload) == datagrams.map { Array($0.bytes.dropFirst($0.source.isIPv6 ? 40 : 20)) })
    #expect(output.allSatisfy { $0.count <= 1014 && $0.headerFault == nil })
    #expect(try await bridge.forwarder.stat("check").status == .exited(0))
  }

  /// F44, F48: fragments that never make a datagram fill the table; datagrams among them complete all the same, and
  /// nothing keeps the ports from receiving. (Open vSwitch stops at its limit until the old ones expire.)
  @Test func `a flood of fragments that never make a datagram stops nobody`() async throws {
    var frames: [Frame] = []
    var datagrams: [Datagram] = []
    for number in 0..<20_000 {
      let flood = Datagram.ipv4(
        from: "203.\(number % 250).\(number / 250 % 250).7", to: "192.0.2.1", id: UInt16(number & 0xFFFF)
      ).udp(from: 1, to: 2, payload: [UInt8](repeating: 1, count: 100))
      frames.append(flood.fragments(size: 64)[number % 2].frame())
      guard number.isMultiple(of: 20) else { continue }
      let good = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: UInt16(number / 20))
        .udp(from: 1000, to: 53, payload: (0..<300).map { UInt8(truncatingIfNeeded: $0 &* number) })
      datagrams.append(good)
      frames += good.fragments(size: 104).map { $0.frame() }
    }
    let bridge = try Bridge(frames, ["--frag-max", "256"])
    let ended = try await bridge.forwarder.run()
    ended.expectClean()
    let whole = try #require(Defragmented.all(in: try bridge.output))
    #expect(whole.map(\.payload) == datagrams.map { Array($0.bytes.dropFirst(20)) })
    let metrics = try await bridge.forwarder.metrics()
    #expect(metrics.sum("dpdkfwd_frag_fragments_held_max") ?? 0 <= 256)
    #expect(metrics.drops["frag_evicted", default: 0] > 19_000)
    #expect(metrics.sum("dpdkfwd_port_rx_nombuf_packets_total") ?? 0 == 0)
  }

  /// F1, F8 to F26: the status while it forwards, by the real binaries.
  @Test func `the status shows what waits while it waits`() async throws {
    let frames =
      Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: 77).udp(
        from: 4000, to: 53, payload: [UInt8](repeating: 1, count: 300)
      ).fragments(size: 104).map { $0.frame() }
    let whole = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1").udp(from: 4000, to: 53).frame()
    let bridge = try Bridge([whole, frames[0], frames[2]], ["--idle-exit", "200", "--frag-timeout-v4", "300"])
    let (said, ended) = try await bridge.forwarder.run { running in
      try await running.metrics { $0.sum("dpdkfwd_frag_fragments_held") ?? 0 == 2 }
      let said = try await running.forwarder.stat("ipf-get-status", "-m", "-m")
      try running.send(SIGTERM)
      return said
    }
    ended.expectClean()
    #expect(said.status == .exited(0), "\(said.errors)")
    #expect(said.output.contains("        max num frags (v4/v6): 4096\n        num frag: 2\n"), "\(said.output)")
    #expect(said.output.contains("        v4 frags accepted: 2\n"), "\(said.output)")
    let list =
      "(src=10.0.0.1,dst=192.0.2.1,recirc_id=0,ip_id=77,dl_type=0x800,zone=0,nw_proto=17,num_fragments=2,"
      + "state=first/last frag,"
    #expect(said.output.contains(list), "\(said.output)")
    #expect(said.output.contains("missing=[104-207]"), "\(said.output)")
    #expect(said.output.contains("flow="), "\(said.output)")
    #expect(ended.balance?.reasons == ["shutdown": 2])
  }

  /// F34's settings, until the control channel is there: what is refused says why, and where it is explained.
  @Test func `a smallest fragment below the floor is refused`() async throws {
    let bridge = try Bridge([Frame](), ["--frag-min-v4", "399"])
    let ended = try await bridge.forwarder.run()
    #expect(ended.status == .exited(64))
    #expect(
      ended.errors.contains("--frag-min-v4: expected 0, or a number of bytes from 400 to 65535"), "\(ended.errors)")
    #expect(ended.errors.contains("dpdkfwd.toml(5)"), "\(ended.errors)")
  }
}

/// A pair of `net_pcap` ports whose workers have a transmit queue, and a capture of what they sent, each.
struct SplitPair {
  let forwarder: Forwarder
  private let workers: Int

  /// - Parameter source: the capture that comes in, or several joined by `,rx_pcap=`, one a queue.
  init(workers: Int, _ options: [String], queues: Int = 1, source: (URL) throws -> String) throws {
    self.workers = workers
    let common = ["--idle-exit", "0.3", "--handoff-ring", "8192"]
    forwarder = try Forwarder(workers: workers, memory: ["--no-huge", "-m", "900"], common + options) { folder in
      try Capture().write(to: folder.appending(path: "none.pcap"))
      func outputs(_ name: String) -> String {
        (0..<workers).map { ",tx_pcap=\(folder.path)/\(name)\($0).pcap" }.joined()
      }
      let none = (0..<queues).map { _ in "\(folder.path)/none.pcap" }.joined(separator: ",rx_pcap=")
      return [
        "net_pcap0,rx_pcap=\(try source(folder))" + outputs("back"), "net_pcap1,rx_pcap=\(none)" + outputs("out"),
      ]
    }
  }

  /// What each worker sent.
  var outputs: [[Frame]] {
    get throws {
      try (0..<workers).map { try Capture(contentsOf: forwarder.folder.appending(path: "out\($0).pcap")).frames }
    }
  }
}

/// The host's sha256sum.
enum SHA256 {
  static func sums(of texts: [[UInt8]]) async throws -> [String] {
    guard !texts.isEmpty else { return [] }
    let folder = FileManager.default.temporaryDirectory.appending(path: "e2e-sums-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (i, text) in texts.enumerated() { try Data(text).write(to: folder.appending(path: "\(i)")) }
    let ended = try await Tool(name: "sha256sum").run(texts.indices.map { "\(folder.path)/\($0)" })
    return ended.output.split(separator: "\n").map { String($0.prefix(64)) }
  }
}
