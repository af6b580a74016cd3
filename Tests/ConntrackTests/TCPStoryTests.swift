import CSegment
import Conntrack
import TestSupport
import Testing
import Wire

/// How connections begin, break, end and begin again. Numbers are those of the conformance list.
struct TCPStoryTests {
  // MARK: Opening

  @Test func `a handshake assures the connection`() {
    let bench = TCPBench()
    #expect(bench.client("S", 1000) == .accept(.tcpSynSent))
    #expect(bench.server("SA", 5000, ack: 1001) == .accept(.tcpSynReceived))
    #expect(bench.client("A", 1001, ack: 5001) == .accept(.tcpEstablished, assures: true))
    #expect(bench.server("A", 5001, ack: 1001) == .accept(.tcpEstablished))
  }

  /// 11.
  @Test func `a SYN that no one answers does not keep its connection by repetition`() {
    let bench = TCPBench()
    #expect(bench.client("S", 1000) == .accept(.tcpSynSent))
    #expect(bench.client("S", 1000) == .pass)
    #expect(bench.client("S", 50000) == .pass)
    #expect(bench.server("SA", 5000, ack: 50001) == .accept(.tcpSynReceived), "the second attempt counts")
  }

  /// 8; with numbers far apart this is where we differ from Linux on purpose.
  @Test(arguments: [5000, 7000, 145_824_453, 3_000_000_000] as [UInt32])
  func `a stale SYN ACK does not stand in the way of the right one`(_ stale: UInt32) {
    let bench = TCPBench()
    bench.client("S", 1000)
    let before = bench.line.tcp
    #expect(bench.server("SA", stale, ack: 643_160_523, window: 240) == .invalid(.tcpSynAckNumber))
    #expect(bench.line.tcp.isSame(as: before) && bench.state == .synSent && !bench.line.hasReply)
    #expect(bench.server("SA", 5000, ack: 1001) == .accept(.tcpSynReceived))
    #expect(bench.client("A", 1001, ack: 5001) == .accept(.tcpEstablished, assures: true))
  }

  /// 21.
  @Test func `both sides may open at once`() {
    let bench = TCPBench()
    bench.client("S", 1000)
    #expect(bench.server("S", 5000) == .pass)
    #expect(bench.state == .synSent2)
    #expect(bench.client("SA", 1000, ack: 5001) == .accept(.tcpSynReceived))
    #expect(bench.server("SA", 5000, ack: 1001) == .pass)
    #expect(bench.client("A", 1001, ack: 5001) == .accept(.tcpEstablished, assures: true))
  }

  @Test func `a simultaneous open is established by the other side's acknowledgement too`() {
    let bench = TCPBench()
    bench.client("S", 1000)
    bench.server("S", 5000)
    bench.client("SA", 1000, ack: 5001)
    #expect(bench.server("A", 5001, ack: 1001) == .accept(.tcpEstablished, assures: true))
  }

  // MARK: Pick-up (24, 25)

  @Test func `a connection is picked up in its middle, and assured by the second answer`() {
    let bench = TCPBench()
    #expect(bench.client("PA", 1000, ack: 5000, bytes: 3) == .accept(.tcpMaxRetransmissions))
    #expect(bench.server("A", 5000, ack: 1003) == .accept(.tcpUnacknowledged))
    #expect(bench.server("A", 5000, ack: 1003).assures)
    #expect(bench.server("A", 900_000, ack: 1003).action == .accept, "no scale is known: liberal")
  }

  @Test func `not when the policy says that connections begin with a SYN`() {
    let bench = TCPBench()
    bench.line.policy.tcpLoose = false
    #expect(bench.client("PA", 1000, ack: 5000, bytes: 3) == .invalid(.tcpNoConnection))
    #expect(bench.client("S", 1000) == .accept(.tcpSynSent))
  }

  @Test(arguments: ["FA", "R", "RA", "SA"]) func `nor by a segment that ends or answers`(_ flags: String) {
    let bench = TCPBench()
    #expect(bench.client(flags, 1000, ack: 5000) == .invalid(.tcpNoConnection))
  }

  // MARK: Closing

  /// 13, 22.
  @Test func `a connection closes in order and at once from both sides`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.client("FA", 1001, ack: 5001) == .accept(.tcpFinWait))
    #expect(bench.server("A", 5001, ack: 1002) == .accept(.tcpCloseWait))
    #expect(bench.server("FA", 5001, ack: 1002) == .accept(.tcpLastAck))
    #expect(bench.client("A", 1002, ack: 5002) == .accept(.tcpTimeWait))

    let crossing = TCPBench()
    crossing.handshake()
    #expect(crossing.client("FA", 1001, ack: 5001) == .accept(.tcpFinWait))
    #expect(crossing.server("FA", 5001, ack: 1001) == .accept(.tcpLastAck))
    #expect(crossing.client("A", 1002, ack: 5002) == .accept(.tcpTimeWait))
  }

  /// Linux takes it for the other side's; we do not.
  @Test func `a FIN sent again is still the same side's`() {
    let bench = TCPBench()
    bench.handshake()
    for _ in 0..<3 { #expect(bench.server("FA", 5001, ack: 1001) == .accept(.tcpFinWait)) }
    #expect(bench.client("FA", 1001, ack: 5002) == .accept(.tcpLastAck))
  }

  // MARK: Reset

  /// 3 to 7.
  @Test func `a RST ends a live connection only at the next number`() {
    let bench = TCPBench()
    bench.handshake()
    bench.server("A", 5001, ack: 1001, bytes: 3000)
    bench.client("A", 1001, ack: 8001)
    #expect(bench.server("R", 4000) == .invalid(.tcpReset))
    #expect(bench.server("R", 1_004_000) == .invalid(.tcpSequenceAbove))
    #expect(bench.server("R", 5042) == .invalid(.tcpReset))
    #expect(bench.server("RA", 8000, ack: 1001) == .invalid(.tcpReset))
    #expect(bench.server("R", 8002) == .accept(.tcpClose), "in the window: it passes, for a challenge to answer")
    #expect(bench.state == .established)
    #expect(bench.server("RA", 8001, ack: 1001) == .accept(.tcpClose))
    #expect(bench.state == .close)
  }

  @Test func `or right behind the sender's last segment`() {
    let bench = TCPBench()
    bench.handshake()
    bench.server("PA", 5001, ack: 1001, bytes: 19)
    #expect(bench.server("RA", 5020, ack: 1001) == .accept(.tcpClose))
    #expect(bench.state == .close)
  }

  @Test func `old RSTs are let through where the policy says so`() {
    let bench = TCPBench()
    bench.line.policy.tcpIgnoresInvalidReset = true
    bench.handshake()
    bench.server("A", 5001, ack: 1001, bytes: 3000)
    bench.client("A", 1001, ack: 8001)
    #expect(bench.server("R", 5042) == .accept(.tcpClose))
    #expect(bench.state == .established)
  }

  /// 2.
  @Test func `after a FIN any RST ends it, again and again`() {
    let bench = TCPBench()
    bench.handshake()
    bench.client("FA", 1001, ack: 5001)
    bench.server("A", 5001, ack: 1002)
    #expect(bench.client("R", 77) == .accept(.tcpClose))
    #expect(bench.state == .close)
    #expect(bench.server("R", 1_000_000) == .accept(.tcpClose))
  }

  /// 23.
  @Test func `a RST that answers the SYN removes the connection`() {
    for number: UInt32 in [0, 5000] {
      let bench = TCPBench()
      bench.client("S", 1000)
      #expect(bench.server("RA", number, ack: 99999) == .invalid(.tcpAcknowledgementAbove))
      #expect(bench.server("RA", number, ack: 1001) == .end)
    }
  }

  /// The ends know better than our windows; the connection must not stay for days.
  @Test func `FINs and RSTs from both sides outside of the windows bring the deadline forward`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.client("FA", 1_000_000, ack: 5001) == .invalid(.tcpSequenceAbove))
    #expect(bench.client("FA", 1_000_000, ack: 5001) == .invalid(.tcpSequenceAbove))
    #expect(
      bench.server("RA", 5001, ack: 1_000_001)
        == Judgement(.invalid, .tcpUnacknowledged, fault: .tcpAcknowledgementAbove))
    #expect(bench.state == .established)
  }

  // MARK: Beginning again

  /// 30.
  @Test func `a SYN opens anew after a close, whatever its number`() {
    for number: UInt32 in [10, 900_000] {
      let bench = TCPBench()
      bench.handshake()
      bench.client("FA", 1001, ack: 5001)
      bench.server("FA", 5001, ack: 1002)
      bench.client("A", 1002, ack: 5002)
      #expect(bench.state == .timeWait)
      #expect(bench.client("S", number) == .accept(.tcpSynSent))
      #expect(bench.line.hasOpened && bench.state == .synSent && !bench.line.isAssured)

      let reset = TCPBench()
      reset.handshake()
      reset.client("R", 1001)
      #expect(reset.client("S", number) == .accept(.tcpSynSent))
      #expect(reset.line.hasOpened)
    }
  }

  @Test func `in TIME_WAIT the server may open too, with the roles swapped`() {
    let bench = TCPBench()
    bench.handshake()
    bench.client("FA", 1001, ack: 5001)
    bench.server("FA", 5001, ack: 1002)
    bench.client("A", 1002, ack: 5002)
    bench.server("S", 9000)
    #expect(bench.line.hasOpened && bench.state == .synSent)
  }

  @Test func `a SYN after the other side's RST waits for its answer`() {
    let bench = TCPBench()
    bench.handshake()
    bench.server("R", 5001)
    #expect(bench.client("S", 9000) == .pass)
    #expect(bench.state == .close)
    #expect(bench.server("SA", 7000, ack: 9001) == .accept(.tcpSynReceived))
    #expect(bench.client("A", 9001, ack: 7001) == .accept(.tcpEstablished))
  }

  /// 9.
  @Test func `a SYN on a live connection passes, and only a RST or its answer has a meaning`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.client("S", 4_000_000) == .pass)
    #expect(bench.server("A", 5001, ack: 1001) == .accept(.tcpEstablished), "a challenge")
    #expect(bench.client("R", 1001) == .accept(.tcpClose))
    #expect(bench.state == .close)
    #expect(bench.client("S", 4_000_000) == .accept(.tcpSynSent))
    #expect(bench.line.hasOpened)
  }

  @Test func `the SYN ACK to an ignored SYN takes over, with what that SYN offered`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.client("S", 4_000_000, window: 100, options: [3, 3, 5, 1, 1, 1, 4, 2]) == .pass)
    #expect(bench.server("SA", 70000, ack: 77) == .pass, "it answers something else")
    #expect(bench.client("S", 4_000_000, window: 100, options: [3, 3, 5, 1, 1, 1, 4, 2]) == .pass)
    #expect(bench.server("SA", 70000, ack: 4_000_001, options: [3, 3, 6, 0]) == .accept(.tcpSynReceived))
    #expect(bench.line.tcp.scales == 0x65)
    #expect(bench.line.tcp.flags_original & 3 == 3)
    #expect(bench.client("A", 4_000_001, ack: 70001) == .accept(.tcpEstablished))
    #expect(bench.client("A", 1001, ack: 5001) == .pass, "of the old connection")
  }

  @Test func `a RST that answers an ignored SYN ends the connection it was not meant for`() {
    let bench = TCPBench()
    bench.handshake()
    bench.client("S", 4_000_000)
    #expect(bench.server("RA", 9_999_999, ack: 4_000_001) == .accept(.tcpClose))
    #expect(bench.state == .close)
  }

  @Test func `no side answers its own SYN`() {
    let bench = TCPBench()
    bench.handshake()
    bench.client("S", 4_000_000)
    #expect(bench.client("RA", 2_000_000, ack: 4_000_001) == .invalid(.tcpSequenceAbove))
    #expect(bench.state == .established)
  }

  @Test func `a challenge in LAST_ACK is not the last ACK`() {
    let bench = TCPBench()
    bench.handshake()
    bench.client("FA", 1001, ack: 5001)
    bench.server("FA", 5001, ack: 1001)
    #expect(bench.client("S", 4_000_000) == .pass)
    #expect(bench.server("A", 5002, ack: 1002) == .pass)
    #expect(bench.state == .lastAck)
    #expect(bench.server("A", 5002, ack: 1002) == .accept(.tcpTimeWait))
  }

  /// 10.
  @Test func `a challenge to the first SYN, the RST it calls for, and a SYN again`() {
    let bench = TCPBench()
    bench.client("S", 1000)
    #expect(bench.server("A", 145_824_453, ack: 643_160_523) == .pass)
    #expect(bench.client("R", 643_160_523) == .accept(.tcpClose))
    #expect(bench.client("S", 1000) == .accept(.tcpSynSent))
    #expect(bench.server("SA", 5000, ack: 1001) == .accept(.tcpSynReceived))
    #expect(bench.client("A", 1001, ack: 5001) == .accept(.tcpEstablished, assures: true))
  }
}

/// Where only one direction passes (`TrackingPolicy.isAsymmetric`).
struct TCPAsymmetricTests {
  private func bench() -> TCPBench {
    let bench = TCPBench()
    bench.line.policy.isAsymmetric = true
    return bench
  }

  @Test func `the client's half of a connection is enough`() {
    let bench = bench()
    #expect(bench.client("S", 1000) == .accept(.tcpSynSent))
    #expect(bench.client("S", 1000) == .pass)
    #expect(bench.client("A", 1001, ack: 5001) == .accept(.tcpEstablished, assures: true))
    #expect(bench.client("PA", 1001, ack: 5001, bytes: 1000) == .accept(.tcpEstablished))
    #expect(bench.client("A", 900_000, ack: 4_000_000_000) == .accept(.tcpEstablished))
    #expect(bench.client("FA", 900_000, ack: 4_000_000_000) == .accept(.tcpFinWait))
    #expect(bench.client("A", 900_001, ack: 4_000_000_001) == .accept(.tcpCloseWait))
    #expect(bench.client("S", 2000) == .accept(.tcpSynSent))
    #expect(bench.line.hasOpened)
  }

  @Test func `so is the server's`() {
    let bench = bench()
    #expect(bench.client("SA", 5000, ack: 1001) == .accept(.tcpSynReceived))
    #expect(bench.client("SA", 5000, ack: 1001) == .accept(.tcpSynReceived))
    #expect(bench.client("A", 5001, ack: 1500) == .accept(.tcpEstablished, assures: true))
    #expect(bench.client("R", 1) == .accept(.tcpClose))
    #expect(bench.client("SA", 9000, ack: 1) == .accept(.tcpSynReceived))
    #expect(bench.line.hasOpened)
  }

  @Test func `a half that is picked up is assured by its second segment`() {
    let bench = bench()
    #expect(bench.client("A", 1000, ack: 5000, bytes: 100) == .accept(.tcpEstablished))
    #expect(bench.client("A", 1100, ack: 5000, bytes: 100) == .accept(.tcpEstablished, assures: true))
  }

  @Test func `when the answers do pass, the usual rules hold but for the windows`() {
    let bench = bench()
    bench.handshake()
    #expect(bench.line.isAssured && bench.line.hasReply)
    #expect(bench.client("PA", 1001, ack: 5001, bytes: 10) == .accept(.tcpUnacknowledged))
    #expect(bench.server("A", 5001, ack: 1011) == .accept(.tcpEstablished))
    #expect(bench.server("A", 3_000_000, ack: 77_000) == .accept(.tcpEstablished))
    #expect(bench.client("S", 9000) == .pass)
  }

  @Test func `a refused SYN is over at once`() {
    let bench = bench()
    bench.client("S", 1000)
    #expect(bench.server("RA", 0, ack: 1001) == .end)
  }
}
