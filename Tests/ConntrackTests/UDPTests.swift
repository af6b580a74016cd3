import CSegment
import Conntrack
import TestSupport
import Testing
import Wire

/// Stories of UDP, UDP-Lite, GRE and protocols without a tracker.
struct UDPTests {
  private struct Line {
    var udp = dpdkfwd_ct_udp()
    var now: UInt32
    var isLite = false
    var isAnswered = false
    var isAssured = false

    init(at now: UInt32, isLite: Bool = false) {
      (self.now, self.isLite) = (now, isLite)
      #expect(UDPTracker.begin(now: now, &udp, isLite: isLite) == .accept(isLite ? .udplite : .udp))
    }

    mutating func send(_ direction: Direction, after milliseconds: UInt32 = 0) -> Judgement {
      now &+= milliseconds
      let judgement = UDPTracker.follow(now: now, &udp, isLite: isLite, isAnswered: isAnswered, isAssured: isAssured)
      isAssured = isAssured || judgement.assures
      isAnswered = isAnswered || direction == .reply
      return judgement
    }
  }

  /// Also across the point where the clock's 32 bits begin again.
  @Test(arguments: [0, 7, UInt32.max - 1000, UInt32.max])
  func `an answered flow is a stream after two seconds`(start: UInt32) {
    var line = Line(at: start)
    #expect(line.send(.reply) == .accept(.udp))
    #expect(line.send(.original, after: 2000) == .accept(.udp))
    #expect(line.send(.original, after: 1) == .accept(.udpStream, assures: true))
    #expect(line.send(.reply) == .accept(.udpStream, assures: true))
  }

  @Test func `a flow that is not answered is no stream, however long it goes on`() {
    var line = Line(at: 0)
    for _ in 0..<10_000 { #expect(line.send(.original, after: 1_000_000) == .accept(.udp)) }
    #expect(line.send(.reply, after: 1) == .accept(.udp))
    #expect(line.send(.original) == .accept(.udpStream, assures: true))
  }

  @Test func `a stream stays one when the clock has gone round`() {
    var line = Line(at: 0)
    _ = line.send(.reply, after: 3000)
    #expect(line.send(.original).timeout == .udpStream)
    for _ in 0..<5000 { #expect(line.send(.reply, after: 1_000_000).timeout == .udpStream) }
  }

  /// As Linux 6.18 was seen to do; UDP has to wait for two seconds.
  @Test func `UDP-Lite is a stream as soon as it goes on after the answer`() {
    var line = Line(at: 5, isLite: true)
    #expect(line.send(.original) == .accept(.udplite))
    #expect(line.send(.reply) == .accept(.udplite))
    #expect(line.send(.original) == .accept(.udpliteStream, assures: true))
  }

  @Test func `GRE is a stream as soon as it goes on after the answer, other protocols never are`() {
    #expect(GRETracker.begin() == .accept(.gre) && GRETracker.follow(isAnswered: false) == .accept(.gre))
    #expect(GRETracker.follow(isAnswered: true) == .accept(.greStream, assures: true))
    #expect(GenericTracker.begin() == .accept(.generic) && GenericTracker.follow() == .accept(.generic))
  }

  /// RFC 2637 §4.1: in version 1 the key's low half is the call of the peer.
  @Test func `PPTP is told apart by its call, plain GRE not by its key`() {
    let cases: [([UInt8], UInt16?)] = [
      ([0x30, 0x01, 0x88, 0x0B, 0, 4, 0, 100, 0, 0, 0, 1, 1, 2, 3, 4], 100),
      ([0x20, 0x00, 0x08, 0x00, 0, 0, 0, 42, 1, 2], 0), ([0, 0, 0x08, 0x00], 0),
      ([0x20, 0x01, 0x08, 0x00, 0, 4, 0, 100], nil),
    ]
    for (bytes, call) in cases {
      let frame = Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20").raw(protocol: 47, payload: bytes).frame()
      frame.withSpan { frame in
        var summary = Summary()
        _ = Summary.read(frame, frameLength: frame.byteCount, into: &summary)
        let ports = GRETracker.ports(frame, summary)
        #expect(ports?.source == (call == nil ? nil : 0) && ports?.destination == call)
      }
    }
  }
}
