import Conntrack
import TestSupport
import Testing
import Wire

/// What becomes of each ICMP and ICMPv6 type (RFC 792, RFC 4443; netfilter's lists).
struct ICMPTests {
  private func summary(_ datagram: Datagram, cutting: Int = 0) -> Summary {
    datagram.frame().withSpan { frame in
      var summary = Summary()
      _ = Summary.read(frame, frameLength: frame.byteCount, into: &summary)
      summary.datagramEnd -= UInt32(cutting)
      return summary
    }
  }
  private let v4 = Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20")
  private let v6 = Datagram.ipv6(from: "fd00:1::10", to: "fd00:2::20")

  @Test func `every type of ICMP has its class`() {
    for type in UInt8.min...UInt8.max {
      let expected: ICMPClass =
        switch type {
        case 8, 13, 15, 17: .request
        case 0: .reply(of: 8)
        case 14: .reply(of: 13)
        case 16: .reply(of: 15)
        case 18: .reply(of: 17)
        case 3, 4, 5, 11, 12: .error
        default: .other
        }
      #expect(ICMPTracker.classify(summary(v4.icmp(type: type))) == expected, "type \(type)")
    }
  }

  @Test func `every type of ICMPv6 has its class`() {
    for type in UInt8.min...UInt8.max {
      let expected: ICMPClass =
        switch type {
        case 128, 139: .request
        case 129: .reply(of: 128)
        case 140: .reply(of: 139)
        case ..<128, 137: .error
        case 130...136, 143: .untracked
        default: .other
        }
      #expect(ICMPTracker.classify(summary(v6.icmpv6(type: type))) == expected, "type \(type)")
    }
  }

  @Test func `a question and its answer have the same ends`() throws {
    let question = summary(v4.icmp(type: 13, code: 0, id: 7))
    let answer = summary(v4.icmp(type: 14, code: 0, id: 7))
    let asked = try #require(ICMPTracker.ports(question, ICMPTracker.classify(question)))
    let answered = try #require(ICMPTracker.ports(answer, ICMPTracker.classify(answer)))
    #expect(asked == (7, 13 << 8) && answered == (13 << 8, 7))
  }

  @Test func `only a question opens a flow`() {
    #expect(ICMPTracker.begin(.request, isIPv6: false) == .accept(.icmp))
    #expect(ICMPTracker.begin(.request, isIPv6: true) == .accept(.icmpv6))
    #expect(ICMPTracker.begin(.reply(of: 8), isIPv6: false) == .invalid(.icmpReplyFirst))
    #expect(ICMPTracker.begin(.other, isIPv6: false) == .invalid(.icmpType))
    #expect(ICMPTracker.follow(isIPv6: true) == .accept(.icmpv6))
  }

  @Test func `a message of the other family, or without its eight bytes, is no ICMP that can be tracked`() {
    #expect(ICMPTracker.classify(summary(v4.raw(protocol: 58, payload: [128, 0, 0, 0, 0, 7, 0, 1]))) == .other)
    #expect(ICMPTracker.classify(summary(v6.raw(protocol: 1, payload: [8, 0, 0, 0, 0, 7, 0, 1]))) == .other)
    #expect(ICMPTracker.classify(summary(v6.icmpv6(type: 128), cutting: 1)) == .other)
  }
}
