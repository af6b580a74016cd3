import TestSupport
import Testing
import Wire

struct IPv6ChainTests {
  /// Five of the headers that a host may put in any order, in each of their 120 orders, one of them a whole fragment.
  @Test func `extension headers are walked in every order`() {
    let headers: [ExtensionHeader] = [.hopByHop, .destination, .routing, .auth, .fragment(id: 9)]
    for order in permutations(of: headers) {
      let summary = summary(of: v6(order).udp(from: 4000, to: 53).frame())
      #expect(summary.kind == .ipv6UDP && summary.transport == 17 && summary.invalid == .none)
      #expect(summary.transportOffset == 14 + 40 + 3 * 8 + 24 + 8)
      #expect(summary.destinationPort == 53 && summary.identification == 9)
      #expect(summary.flags == [.ipv6, .options, .atomicFragment])
      #expect(summary.fragmentHeader > 0 && summary.fragmentOffset == 0)
    }
  }

  @Test func `each extension header is walked`() {
    for header in everyHeader {
      let summary = summary(of: v6([header]).tcp(from: 1, to: 2, flags: [.rst]).frame())
      #expect(
        summary.kind == .ipv6TCP && summary.tcpFlags == 4 && summary.flags == [.ipv6, .options], "\(header.type)")
    }
  }

  @Test func `nothing behind ESP or No Next Header is read`() {
    let esp = summary(of: v6([.destination]).raw(protocol: 50, payload: text(40)).frame())
    #expect(esp.kind == .ipv6Other && esp.transport == 50 && esp.invalid == .none && esp.transportOffset == 62)
    let none = summary(of: v6([.destination]).raw(protocol: 59).frame())
    #expect(none.kind == .ipv6Other && none.transport == 59 && none.invalid == .none)
  }

  @Test func `sixteen headers are walked, a seventeenth is not`() {
    let most = Array(repeating: ExtensionHeader.destination, count: IPv6Extension.most)
    #expect(summary(of: v6(most).udp(from: 1, to: 2).frame()).kind == .ipv6UDP)
    let more = summary(of: v6(most + [.destination]).udp(from: 1, to: 2).frame())
    #expect(more.invalid == .ipv6ChainTooLong && more.kind == .ipv6Other && more.transportOffset == 0)
  }

  @Test func `the longest chain keeps its offset`() {
    let longest = ExtensionHeader.destination(options: Array(repeating: 0, count: 2046))
    let chain = Array(repeating: longest, count: IPv6Extension.most)
    let summary = summary(of: v6(chain).udp(from: 1, to: 2).frame(vlan: Array(1...8)))
    #expect(summary.kind == .ipv6UDP && summary.transportOffset == 14 + 32 + 40 + 16 * 2048)
  }

  @Test func `a chain that its datagram cuts is invalid, whatever is padding`() {
    let frame = v6([.hopByHop, .auth]).udp(from: 1, to: 2).frame(padTo: 150)
    for length in [0, 7, 8, 15, 31] {
      let summary = summary(of: frame.damaged(.payloadLength(UInt16(length))))
      #expect(summary.invalid == .ipv6ChainCut, "payload of \(length) bytes")
      #expect(summary.kind == .ipv6Other && summary.transportOffset == 0 && summary.fault == .none)
    }
    #expect(summary(of: frame.damaged(.payloadLength(32))).invalid == .udpShort)
  }

  @Test func `a second fragment header is refused`() {
    let atomicFirst = summary(of: v6([.fragment(id: 1), .fragment(id: 2, more: true)]).udp(from: 1, to: 2).frame())
    #expect(atomicFirst.invalid == .ipv6SeveralFragmentHeaders && atomicFirst.kind == .ipv6Other)
    let firstFragment = summary(of: v6([.fragment(id: 1, more: true), .fragment(id: 2)]).udp(from: 1, to: 2).frame())
    #expect(firstFragment.invalid == .ipv6SeveralFragmentHeaders && firstFragment.kind == .ipv6Fragment)
  }

  // MARK: Fragments

  @Test func `IPv6 fragments know their place`() {
    let pieces = v6([.hopByHop]).udp(from: 4000, to: 53, payload: text(60)).fragments(size: 32, id: 0xDEAD_BEEF)
    let all = pieces.map { summary(of: $0.frame()) }
    #expect(all.map(\.fragmentOffset) == [0, 32, 64])
    #expect(all.map { $0.flags.contains(.moreFragments) } == [true, true, false])
    #expect(all.map { $0.flags.contains(.firstFragment) } == [true, false, false])
    #expect(all.map(\.transportOffset) == [70, 0, 0])
    #expect(all.map(\.sourcePort) == [4000, 0, 0])
    for summary in all {
      #expect(summary.kind == .ipv6Fragment && summary.flags.contains([.fragment, .options]))
      #expect(summary.transport == 17 && summary.identification == 0xDEAD_BEEF && summary.fragmentHeader == 62)
    }
  }

  @Test func `IPv4 fragments know their place`() {
    let pieces = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: 999).udp(from: 4000, to: 53, payload: text(60))
      .fragments(size: 32)
    let all = pieces.map { summary(of: $0.frame(padTo: 60)) }
    #expect(all.map(\.fragmentOffset) == [0, 32, 64])
    #expect(all.map { $0.flags.contains(.moreFragments) } == [true, true, false])
    #expect(all.map { $0.flags.contains(.firstFragment) } == [true, false, false])
    #expect(all.map(\.transportOffset) == [34, 0, 0])
    for summary in all {
      #expect(summary.kind == .ipv4Fragment && summary.flags.contains(.fragment))
      #expect(summary.transport == 17 && summary.identification == 999 && summary.fragmentHeader == 0)
    }
  }

  /// RFC 7112: the first fragment holds the whole chain, or the datagram is suspect.
  @Test func `a first fragment with half a chain is invalid`() {
    let pieces = v6([.destination(options: Array(repeating: 0, count: 22))]).udp(from: 1, to: 2).fragments(size: 16)
    let first = summary(of: pieces[0].frame())
    #expect(first.invalid == .ipv6ChainCut && first.kind == .ipv6Fragment && first.transport == 60)
    let later = summary(of: pieces[1].frame())
    #expect(later.invalid == .none && later.kind == .ipv6Fragment && later.transport == 60)
  }
}
