import CHook
import HookProgram
import Primitives
import TestSupport
import Testing
import Wire

/// What a program sees of a packet, and what becomes of its answer (B5-B8).
struct CallTests {
  private let v4 = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53", ttl: 61)
  private let v6 = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8:1::53", hopLimit: 62)

  /// The packet as an interpreter gets it.
  /// - Parameter held: bytes of the frame that lie in one piece.
  private func see(
    _ frame: Frame, held: Int? = nil, _ facts: HookFacts = HookFacts(ingress: PortID(rawValue: 3))
  ) -> dpdkfwd_bpf_packet {
    var seen = dpdkfwd_bpf_packet()
    unsafe withUnsafeMutablePointer(to: &seen) { seen in
      let program = unsafe chook_program(
        code: nil,
        interpret: { seen, packet in
          unsafe UnsafeMutableRawPointer(mutating: seen!).copyMemory(
            from: packet!, byteCount: MemoryLayout<dpdkfwd_bpf_packet>.size)
          return 1
        }, program: UnsafeRawPointer(seen))
      _ = unsafe judge(HookCall(program), frame, held: held, facts)
    }
    return seen
  }

  private func judge(_ call: HookCall, _ frame: Frame, held: Int? = nil, _ facts: HookFacts) -> HookVerdict {
    frame.withSpan { bytes in
      var summary = Summary()
      Summary.read(bytes, frameLength: frame.count, into: &summary)
      return call.judge(bytes.extracting(first: held ?? frame.count), length: frame.count, summary, facts)
    }
  }

  private func bytes(_ packet: dpdkfwd_bpf_packet) -> [UInt8] {
    unsafe withUnsafeBytes(of: packet) { unsafe Array($0) }
  }

  @Test func `an IPv4 segment is shown in numbers and bytes`() {
    var facts = HookFacts(ingress: PortID(rawValue: 3), egress: PortID(rawValue: 4))
    facts.state = UInt8(DPDKFWD_BPF_CT_ESTABLISHED)
    facts.isReply = true
    (facts.zone, facts.mark) = (5, 77)
    let frame = v4.tcp(from: 4000, to: 80, flags: [.ack, .psh], payload: Array(repeating: 0xEE, count: 200))
      .frame(vlan: [7, 100])
    let packet = see(frame, facts)
    #expect((packet.length, packet.held) == (UInt32(frame.count), 128))
    #expect((packet.ingress, packet.egress) == (3, 4))
    #expect((packet.ether_type, packet.vlan & 0xFFF, packet.vlan_count) == (0x0800, 7, 2))
    #expect((packet.ip_version, packet.network, packet.transport) == (4, 22, 42))
    #expect((packet.protocol, packet.source_port, packet.destination_port) == (6, 4000, 80))
    #expect((packet.tcp_flags, packet.hop_limit, packet.fragment) == (0x18, 61, 0))
    #expect((packet.source.0, packet.source.1) == (0x0A00_0001, 0))
    #expect((packet.destination.0, packet.destination.1) == (0xC000_0235, 0))
    #expect((packet.ct_state, packet.ct_reply, packet.zone, packet.mark) == (2, 1, 5, 77))
    #expect(Array(bytes(packet)[128...]) == Array(frame.bytes.prefix(128)))
    #expect(bytes(packet)[68..<128].allSatisfy { $0 == 0 })
  }

  @Test func `an IPv6 datagram is shown with its addresses in words`() {
    let frame = v6.udp(from: 4000, to: 53, payload: [1, 2, 3]).frame()
    let packet = see(frame)
    #expect((packet.ip_version, packet.protocol, packet.hop_limit) == (6, 17, 62))
    #expect(packet.source == (0x2001_0DB8, 0, 0, 1))
    #expect(packet.destination == (0x2001_0DB8, 0x0001_0000, 0, 0x53))
    #expect((packet.egress, packet.held) == (0xFFFF, UInt16(frame.count)))
    #expect(Array(bytes(packet)[128...]) == frame.bytes + Array(repeating: 0, count: 128 - frame.count))
  }

  @Test func `fragments say so, and what is not IP has no addresses`() {
    let pieces = v4.udp(from: 1, to: 2, payload: Array(repeating: 1, count: 60)).fragments(size: 32)
    #expect(pieces.map { see($0.frame()).fragment } == [1, 2, 2])
    let query = see(.arp(who: "10.0.0.2", tell: "10.0.0.1"))
    #expect((query.ip_version, query.ether_type, query.source.0) == (0, 0x0806, 0))
  }

  @Test func `a frame in pieces is shown as far as its first piece goes`() {
    let frame = v4.udp(from: 1, to: 2, payload: Array(repeating: 0xAA, count: 60)).frame()
    for held in 0...frame.count {
      let packet = see(frame, held: held)
      #expect((packet.length, packet.held) == (UInt32(frame.count), UInt16(held)))
      #expect(packet.ip_version == (held >= 34 ? 4 : 0))
      #expect(bytes(packet)[(128 + held)...].allSatisfy { $0 == 0 })
    }
  }

  @Test func `zero drops, anything else accepts, and the mark is what the program leaves`() {
    let frame = v4.udp(from: 1, to: 2).frame(padTo: 60)
    var facts = HookFacts(ingress: PortID(rawValue: 0))
    facts.mark = 9
    let drop = unsafe HookCall(chook_program(code: { _ in 0 }, interpret: nil, program: nil))
    #expect(judge(drop, frame, facts) == HookVerdict(accepts: false, mark: 9))
    let high = unsafe HookCall(chook_program(code: { _ in 1 << 32 }, interpret: nil, program: nil))
    #expect(judge(high, frame, facts) == HookVerdict(accepts: true, mark: 9))
    let mark = unsafe HookCall(
      chook_program(
        code: { packet in
          unsafe packet!.assumingMemoryBound(to: dpdkfwd_bpf_packet.self).pointee.mark += 1
          return 1
        }, interpret: nil, program: nil))
    #expect(judge(mark, frame, facts) == HookVerdict(accepts: true, mark: 10))
  }
}
