import CSegment
import Conntrack
import TestSupport
import Testing
import Wire

/// Stories of SCTP associations (conformance 153-155). Between them and Linux 6.18 there was no difference in 10,000 random
/// packets.
struct SCTPTests {
  private static let (here, there): (UInt32, UInt32) = (0xAAAA, 0xBBBB)  // tags: the client's choice, the server's

  /// An association, and the packets shown to it.
  private struct Line {
    var sctp = dpdkfwd_ct_sctp()
    var number: UInt8 = 0
    var exists = false
    var isAsymmetric = false
    var state: SCTPState { SCTPState(rawValue: number)! }

    mutating func client(_ tag: UInt32, _ chunks: SCTPChunk...) -> Judgement { send(.original, tag, chunks) }
    mutating func server(_ tag: UInt32, _ chunks: SCTPChunk...) -> Judgement { send(.reply, tag, chunks) }

    mutating func send(_ direction: Direction, _ tag: UInt32, _ chunks: [SCTPChunk], cutting: Int = 0) -> Judgement {
      let ends: (UInt16, UInt16) = direction == .original ? (1000, 36412) : (36412, 1000)
      let datagram = Datagram.ipv4(from: "10.0.1.10", to: "10.0.2.20")
        .sctp(from: ends.0, to: ends.1, tag: tag, chunks: chunks)
      return datagram.frame().withSpan { frame in
        var summary = Summary()
        _ = Summary.read(frame, frameLength: frame.byteCount, into: &summary)
        summary.datagramEnd -= UInt32(cutting)
        let judgement =
          exists
          ? SCTPTracker.follow(frame, summary, direction, &sctp, &number, isAsymmetric: isAsymmetric)
          : SCTPTracker.begin(frame, summary, &sctp, &number, isAsymmetric: isAsymmetric)
        if judgement.action == .accept { exists = true }
        return judgement
      }
    }

    /// Through the handshake of RFC 9260 §5.1.
    static func established() -> Line {
      var line = Line()
      #expect(line.client(0, .initiation(tag: here)) == .accept(.sctpClosed))
      #expect(line.server(here, .initiation(tag: there, answer: true)) == .accept(.sctpCookieWait))
      #expect(line.client(there, SCTPChunk(type: 10)) == .accept(.sctpCookieEchoed))
      #expect(line.server(here, SCTPChunk(type: 11)) == .accept(.sctpEstablished, assures: true))
      #expect(line.state == .established)
      return line
    }
  }

  @Test func `an association opens, carries data and closes`() {
    var line = Line.established()
    #expect(line.client(Self.there, .data(tsn: 1, [1])) == .accept(.sctpEstablished))
    #expect(line.server(Self.here, SCTPChunk(type: 7)) == .accept(.sctpShutdownReceived))
    #expect(line.client(Self.there, SCTPChunk(type: 8)) == .accept(.sctpShutdownAckSent))
    #expect(line.server(Self.here, SCTPChunk(type: 14)) == .accept(.sctpClosed))
  }

  @Test func `a packet carries the tag of its direction`() {
    var line = Line.established()
    let before = line
    #expect(line.client(0xDEAD, .data(tsn: 1, [1])) == .invalid(.sctpTag))
    #expect(line.server(Self.there, .data(tsn: 1, [1])) == .invalid(.sctpTag))
    #expect(line.state == before.state && line.sctp.tag_original == before.sctp.tag_original)
  }

  @Test func `data, an abort or a cookie open nothing`() {
    for chunk in [.data(tsn: 1, [1]), SCTPChunk(type: 6), SCTPChunk(type: 10), SCTPChunk(type: 11)] as [SCTPChunk] {
      var line = Line()
      #expect(line.client(Self.there, chunk).action == .invalid, "\(chunk)")
    }
    var line = Line()
    #expect(line.client(5, .initiation(tag: Self.here)) == .invalid(.sctpTag), "an INIT carries no tag: §8.5.1 (A)")
  }

  /// §8.5.1 (B): the sender's own view of the tag, or with the T bit the peer's.
  @Test func `an abort shows that its sender knows a tag`() {
    for (flags, tag, fits) in [
      (0, Self.there, true), (1, Self.here, true), (0, Self.here, false), (1, Self.there, false),
    ]
      as [(UInt8, UInt32, Bool)]
    {
      var line = Line.established()
      let judgement = line.client(tag, SCTPChunk(type: 6, flags: flags))
      #expect(judgement == (fits ? .accept(.sctpClosed) : .invalid(.sctpTag)))
      #expect(line.state == (fits ? .closed : .established))
    }
  }

  /// Conformance 153: both ends began; a late INIT ACK with another tag is nobody's.
  @Test func `a stale INIT ACK does not change the tags`() {
    var line = Line.established()
    #expect(line.server(Self.here, .initiation(tag: 0xCCCC, answer: true)) == .invalid(.sctpTag))
    #expect(line.client(Self.there, .data(tsn: 1, [1])).action == .accept)
  }

  /// Conformance 154.
  @Test func `a stale INIT and what answers it leave the association as it is`() {
    var line = Line.established()
    #expect(line.server(0, .initiation(tag: Self.there)) == .accept(.sctpEstablished))
    #expect(line.client(Self.there, .initiation(tag: 0xCCCC, answer: true)) == .invalid(.sctpTag))
    #expect(line.server(Self.here, .data(tsn: 1, [1])).action == .accept)
    #expect(line.client(Self.there, .data(tsn: 1, [1])).action == .accept)
  }

  @Test func `INITs that cross pass without keeping the entry alive`() {
    var line = Line()
    #expect(line.client(0, .initiation(tag: Self.here)).action == .accept)
    #expect(line.server(0, .initiation(tag: Self.there)) == .pass)
    #expect(line.client(0, .initiation(tag: Self.here)) == .pass)
    #expect(line.client(Self.there, .initiation(tag: Self.here, answer: true)) == .accept(.sctpClosed))
    #expect(line.client(Self.there, .initiation(tag: 0xCCCC, answer: true)) == .invalid(.sctpTag))
  }

  @Test func `a heartbeat opens a second path, and its answer confirms it`() {
    var line = Line()
    #expect(line.client(Self.there, SCTPChunk(type: 4)) == .accept(.sctpHeartbeatSent))
    #expect(line.server(Self.here, SCTPChunk(type: 5)) == .accept(.sctpEstablished, assures: true))
    #expect(line.client(Self.there, .data(tsn: 1, [1])) == .accept(.sctpEstablished))
  }

  /// A peer that restarted elsewhere: one heartbeat with a new tag passes, and its answer sets the tags anew.
  @Test func `a heartbeat with another tag is believed when it is answered`() {
    var line = Line.established()
    #expect(line.client(0x1111, SCTPChunk(type: 4)) == .pass)
    #expect(line.client(0x1111, .data(tsn: 1, [1])) == .invalid(.sctpTag))
    #expect(line.server(0x2222, SCTPChunk(type: 5)) == .accept(.sctpEstablished))
    #expect(line.server(0x2222, .data(tsn: 1, [1])) == .accept(.sctpEstablished))
    #expect(line.client(0x1111, SCTPChunk(type: 4)) == .accept(.sctpEstablished))
    #expect(line.client(0x1111, .data(tsn: 1, [1])) == .accept(.sctpEstablished))
  }

  /// §6.10, and lists that break off; where Linux is lenient, so are we.
  @Test func `chunks that stand alone, come first, or are none`() {
    let data = SCTPChunk.data(tsn: 1, [1])
    let refused: [[SCTPChunk]] = [
      [], [.initiation(tag: 1), data], [data, .initiation(tag: 1)], [data, SCTPChunk(type: 11)],
      [data, SCTPChunk(type: 10)], [SCTPChunk(type: 14), data],
    ]
    for chunks in refused {
      var line = Line.established()
      #expect(line.send(.original, Self.there, chunks) == .invalid(.sctpChunk), "\(chunks)")
    }
    var line = Line.established()
    #expect(line.send(.original, Self.there, [SCTPChunk(type: 10), data]).action == .accept)
    #expect(line.send(.original, Self.there, [SCTPChunk(type: 63)]).action == .accept)
    #expect(line.send(.original, Self.there, [data], cutting: 8).action == .accept, "it claims more than there is")
  }

  @Test func `where one direction passes, its tag is learnt`() {
    var line = Line()
    line.isAsymmetric = true
    #expect(line.client(0, .initiation(tag: Self.here)).action == .accept)
    #expect(line.client(Self.there, SCTPChunk(type: 10)).action == .accept)
    #expect(line.client(Self.there, .data(tsn: 1, [1])).action == .accept)
    #expect(line.client(0xDEAD, .data(tsn: 1, [1])) == .invalid(.sctpTag))
  }

  @Test func `every prefix of a packet is judged`() {
    let chunks = [SCTPChunk(type: 4), .data(tsn: 1, [1, 2, 3]), SCTPChunk(type: 6)]
    for cutting in 0...40 {
      var line = Line.established()
      _ = line.send(.original, Self.there, chunks, cutting: cutting)
      var fresh = Line()
      _ = fresh.send(.original, 0, [.initiation(tag: 1)], cutting: min(cutting, 32))
      #expect(fresh.exists == (cutting == 0))
    }
  }
}
