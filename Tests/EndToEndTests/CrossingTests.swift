import Foundation
import TestSupport
import Testing

/// Must show: every capture crosses the real binary byte for byte and in order, minus packets dropped by a named reason.
struct CrossingTests {
  /// Beyond `net_pcap`: a frame of 80 KB, which the port cannot send; and frames of 18 KB, more than it sends in pieces.
  static let special: Set = ["size-bigtcp_v6.pcap", "size-webex_18k.pcap"]

  @Test(
    .enabled(if: Shared.isThere, "the corpus of real captures is not beside the package"),
    arguments: Shared.manifest.filter { !special.contains($0.file) })
  func `a real capture crosses, but for the packets that its manifest calls faulty`(_ known: CaptureFacts) async throws
  {
    let metrics = try await Bridge(known.url, Bridge.crossing).expectCrossing()
    if known.facts.fragments.ipv4 + known.facts.fragments.ipv6 == 0 {
      var invalid = metrics.counts("dpdkfwd_invalid_total", by: "reason")
      invalid["gre_short"] = nil  // the manifest does not look at GRE headers
      #expect(invalid == expectedInvalid(known.facts))
    }
  }

  /// Packets with a fault above IP. The manifest looks inside reassembled datagrams too, so this is for captures
  /// without fragments.
  private func expectedInvalid(_ facts: CaptureFacts.Facts) -> [String: Int] {
    // The manifest calls these two remarkable, not faulty: we cannot tell what such packets carry.
    let noted = ["extension_chain_cut": "ipv6_chain_cut", "several_fragment_headers": "ipv6_several_fragment_headers"]
    return noted.reduce(into: facts.l4Faults) { expected, word in expected[word.value] = facts.ipv6Notes[word.key] }
  }

  @Test(.enabled(if: Shared.isThere, "the corpus of real captures is not beside the package"))
  func `frames of 18 KB cross whole in larger mbufs`() async throws {
    let known = try #require(Shared.manifest.first { $0.file == "size-webex_18k.pcap" })
    try await Bridge(known.url, Bridge.crossing + ["--mbuf-size", "20000"]).expectCrossing()
  }

  @Test(.enabled(if: Shared.isThere, "the corpus of real captures is not beside the package"))
  func `a frame that the port cannot send is counted, and nothing else happens`() async throws {
    let known = try #require(Shared.manifest.first { $0.file == "size-bigtcp_v6.pcap" })
    let bridge = try Bridge(known.url)
    let ended = try await bridge.forwarder.run()
    ended.expectClean()
    let balance = try #require(ended.balance)
    #expect(balance.sent == 0)
    #expect(try bridge.output.isEmpty)
  }

  @Test func `traffic of every kind crosses, and each damaged header is dropped by its name`() async throws {
    let traffic = DemoTraffic()
    let metrics = try await Bridge(traffic.frames, Bridge.crossing).expectCrossing()
    #expect(metrics.drops == traffic.drops)
    #expect(metrics.counts("dpdkfwd_invalid_total", by: "reason").values.reduce(0, +) == traffic.count(of: .invalid))
  }

  @Test func `invalid packets are dropped when settings say so`() async throws {
    let traffic = DemoTraffic()
    let bridge = try Bridge(traffic.frames, Bridge.crossing + ["--invalid", "drop"])
    let ended = try await bridge.forwarder.run()
    ended.expectClean()
    let expected = traffic.packets.filter { $0.fate == .crosses }.map(\.frame)
    #expect(try bridge.output == expected)
    #expect(ended.balance?.reasons == traffic.drops.merging(["invalid": traffic.count(of: .invalid)]) { $0 + $1 })
  }

  @Test func `a bridge passes what it does not know: LLDP, LACP, spanning tree, runts, any EtherType`() async throws {
    let frames = [
      Frame.etherType(EtherType.lldp, [2, 7, 4, 2, 0, 0, 0, 0, 1, 0, 0], to: .lldp),
      .etherType(EtherType.slow, [1, 1] + [UInt8](repeating: 0, count: 108), to: "01:80:c2:00:00:02"),
      .llc([0, 0, 0, 0, 0]), .etherType(0x88b5, [1, 2, 3]), .etherType(0x05dd, [1, 2, 3]),
    ]
    let runts = (1...17).map { Frame([UInt8](repeating: 0x81, count: $0)) }
    try await Bridge(frames + runts).expectCrossing()
  }

  @Test func `a jumbo frame crosses, in a chain of mbufs as in one`() async throws {
    let payload = (0..<8900).map { UInt8(truncatingIfNeeded: $0) }
    let frame = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: 1, to: 2, payload: payload).frame()
    try await Bridge([frame, frame]).expectCrossing()
    try await Bridge([frame, frame], ["--mbuf-size", "10000"]).expectCrossing()
  }

  @Test func `what is longer than the MTU is dropped by that name`() async throws {
    let datagram = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2")
    let fits = datagram.udp(from: 1, to: 2, payload: [UInt8](repeating: 1, count: 1000 - 28)).frame()
    let tagged = datagram.udp(from: 1, to: 2, payload: [UInt8](repeating: 1, count: 1000 - 28)).frame(vlan: [7])
    let tooLong = datagram.udp(from: 1, to: 2, payload: [UInt8](repeating: 1, count: 1001 - 28)).frame()
    let bridge = try Bridge([fits, tooLong, tagged], ["--mtu", "1000"])
    let ended = try await bridge.forwarder.run()
    ended.expectClean()
    #expect(try bridge.output == [fits, tagged])
    #expect(ended.balance?.reasons == ["mtu_exceeded": 1])
  }
}
