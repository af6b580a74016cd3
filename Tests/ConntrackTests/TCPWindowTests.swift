import CSegment
import Conntrack
import TestSupport
import Testing
import Wire

/// Which segments belong to a connection by their numbers, and what they arm.
struct TCPWindowTests {
  // MARK: Bounds

  @Test func `data may begin up to the end of the announced window and not beyond`() {
    let bench = TCPBench()
    bench.handshake()  // the server takes 8192 bytes from 1001 on
    #expect(bench.client("A", 1001 + 8192, ack: 5001).action == .accept)
    #expect(bench.client("A", 1001 + 8192 + 8193, ack: 5001) == .invalid(.tcpSequenceAbove))
  }

  /// A receiver may take more than it promised; what it then acknowledges must not look invented.
  @Test func `what overshoots by less than a window passes uncounted and may be acknowledged`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.client("A", 1001 + 8193, ack: 5001, bytes: 100) == .pass)
    #expect(bench.server("A", 5001, ack: 1001 + 8193 + 100) == .accept(.tcpEstablished))
    #expect(bench.client("A", 1001 + 8193 + 100, ack: 5001).action == .accept)
  }

  @Test func `an overshoot ends within a window of what was allowed`() {
    let bench = TCPBench()
    bench.handshake()  // up to 9193
    #expect(bench.client("A", 9194, ack: 5001, bytes: 8191) == .invalid(.tcpSequenceAbove))
    #expect(bench.client("A", 9194, ack: 5001, bytes: 8190) == .pass)
  }

  /// Conformance 1.
  @Test func `what was acknowledged long ago passes when it is sent again, and moves nothing`() {
    let bench = TCPBench()
    bench.handshake()
    for round in 0..<7 as Range<UInt32> {
      bench.client("A", 1001 + round * 1400, ack: 5001, bytes: 1400)
      bench.server("A", 5001, ack: 1001 + (round + 1) * 1400)
    }
    let before = bench.line.tcp
    #expect(bench.client("A", 1001, ack: 5001, bytes: 100) == .pass)
    #expect(bench.line.tcp.isSame(as: before))
    #expect(bench.client("A", 1001 + 1400, ack: 5001, bytes: 1400).action == .accept)
  }

  @Test func `bytes that were never sent cannot be acknowledged`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.server("A", 5001, ack: 1002) == .invalid(.tcpAcknowledgementAbove))
    #expect(bench.server("A", 5001, ack: 1001).action == .accept)
  }

  @Test func `an acknowledgement may be 66000 bytes late`() {
    let bench = TCPBench()
    bench.handshake(window: 65535, options: [3, 3, 2, 0])
    bench.client("A", 1001, ack: 5001, bytes: 60000)
    bench.server("A", 5001, ack: 61001, window: 16000)
    bench.client("A", 61001, ack: 5001, bytes: 60000)
    #expect(bench.server("A", 5001, ack: 121_001 - 66000, window: 16000).action == .accept)
    #expect(bench.server("A", 5001, ack: 121_001 - 66001, window: 16000) == .pass)
  }

  @Test func `a keep-alive stands one below what comes next`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.client("A", 1000, ack: 5001).action == .accept)
    #expect(bench.server("A", 5001, ack: 1001).action == .accept)
  }

  @Test func `a connection is picked up by a keep-alive, and its answer counts`() {
    let bench = TCPBench()
    bench.client("A", 1000, ack: 5001)  // the next would be 1001
    bench.server("A", 5001, ack: 1001)
    #expect(bench.line.tcp.reply.max_ack == 1001)
  }

  // MARK: Scaling (conformance 31)

  @Test func `a window counts as both SYNs scale it`() {
    let bench = TCPBench()
    bench.handshake(window: 100, options: [3, 3, 7, 0])
    #expect(bench.client("A", 1001 + 100, ack: 5001).action == .accept)
    bench.server("A", 5001, ack: 1001, window: 100)
    #expect(bench.client("A", 1001 + 12800, ack: 5001).action == .accept)
    #expect(bench.client("A", 1001 + 12801 + 12800, ack: 5001) == .invalid(.tcpSequenceAbove))
  }

  @Test func `the window of a SYN is not scaled`() {
    let bench = TCPBench()
    bench.handshake(window: 100, options: [3, 3, 7, 0])
    #expect(bench.client("A", 1001 + 101, ack: 5001) == .pass, "overshoots the 100 bytes of the SYN ACK")
  }

  @Test func `a scale that only one side offers does not count`() {
    let bench = TCPBench()
    bench.client("S", 1000, window: 100, options: [3, 3, 7, 0])
    bench.server("SA", 5000, ack: 1001, window: 100)
    bench.client("A", 1001, ack: 5001, window: 100)
    #expect(bench.line.tcp.scales == 0)
    #expect(bench.server("A", 5001 + 202, ack: 1001) == .invalid(.tcpSequenceAbove))
  }

  @Test func `a scale above 14 is 14`() {
    let bench = TCPBench()
    bench.handshake(options: [3, 3, 255, 0])
    #expect(bench.line.tcp.scales == 0xee)
  }

  // MARK: SACK (RFC 2018)

  /// NOP, NOP, SACK with these blocks.
  private func sack(_ blocks: (UInt32, UInt32)...) -> [UInt8] {
    var bytes: [UInt8] = [1, 1, 5, UInt8(2 + 8 * blocks.count)]
    for block in blocks {
      bytes.append(block.0)
      bytes.append(block.1)
    }
    return bytes
  }

  @Test func `the highest block counts as acknowledged`() {
    let bench = TCPBench()
    bench.handshake(options: [1, 1, 4, 2])
    bench.client("A", 1101, ack: 5001, bytes: 100)
    #expect(bench.server("A", 5001, ack: 1001, options: sack((1101, 1201))).action == .accept)
    #expect(bench.client("A", 1201 + 8192, ack: 5001).action == .accept, "the window opens behind the block")
    #expect(
      bench.server("A", 5001, ack: 1001, options: sack((1101, 1201), (9394, 9400)))
        == .invalid(.tcpAcknowledgementAbove))
  }

  @Test func `blocks mean nothing when the other side has not permitted them`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.server("A", 5001, ack: 1001, options: sack((1101, 99999))).action == .accept)
  }

  @Test func `blocks behind timestamps are found, and half a block is none`() {
    let bench = TCPBench()
    bench.handshake(options: [1, 1, 4, 2])
    let stamps: [UInt8] = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]
    #expect(
      bench.server("A", 5001, ack: 1001, options: stamps + sack((1101, 99999))) == .invalid(.tcpAcknowledgementAbove))
    #expect(bench.server("A", 5001, ack: 1001, options: [5, 7, 0, 0, 255, 255, 0, 0]).action == .accept)
    #expect(bench.server("A", 5001, ack: 1001, options: stamps).action == .accept)
  }

  // MARK: What is armed (conformance 32)

  @Test func `data that waits for its acknowledgement shortens the timeout`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.client("PA", 1001, ack: 5001, bytes: 10) == .accept(.tcpUnacknowledged))
    #expect(bench.server("A", 5001, ack: 1006) == .accept(.tcpUnacknowledged))
    #expect(bench.server("A", 5001, ack: 1011) == .accept(.tcpEstablished))
  }

  @Test func `the same segment a fourth time arms the retransmission timeout`() {
    let bench = TCPBench()
    bench.handshake()
    for _ in 0..<3 { #expect(bench.client("PA", 1001, ack: 5001, bytes: 10) == .accept(.tcpUnacknowledged)) }
    #expect(bench.client("PA", 1001, ack: 5001, bytes: 10) == .accept(.tcpMaxRetransmissions))
    #expect(bench.server("A", 5001, ack: 1011) == .accept(.tcpEstablished))
  }

  @Test func `a zero window arms the retransmission timeout`() {
    let bench = TCPBench()
    bench.handshake()
    #expect(bench.server("A", 5001, ack: 1001, window: 0) == .accept(.tcpMaxRetransmissions))
    #expect(bench.client("A", 1001, ack: 5001, bytes: 1) == .accept(.tcpUnacknowledged))
  }

  // MARK: Liberal

  @Test func `a liberal policy lets numbers pass and learns nothing from them`() {
    let bench = TCPBench()
    bench.line.policy.tcpLiberal = true
    bench.handshake()
    let before = bench.line.tcp
    #expect(bench.client("A", 500_000, ack: 5001) == .accept(.tcpEstablished))
    #expect(bench.client("A", 1001, ack: 99999) == .accept(.tcpEstablished))
    #expect(bench.line.tcp.original.isSame(as: before.original) && bench.line.tcp.reply.isSame(as: before.reply))
  }

  // MARK: Numbers wrap (RFC 9293 §3.4; conformance 33)

  /// Zero means something in a RST and before a side was seen; everywhere else only distances count.
  @Test func `a conversation is judged alike wherever its numbers begin`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<200 {
      let numbers = (0..<60).map { _ in
        (Bool.random(using: &chance), chance.near(0), chance.near(0), [0, 1, 100, 1400].randomElement(using: &chance)!)
      }
      func judgements(_ client: UInt32, _ server: UInt32) -> [Judgement] {
        let bench = TCPBench()
        var said = [bench.client("S", client), bench.server("SA", server, ack: client &+ 1)]
        said.append(bench.client("A", client &+ 1, ack: server &+ 1))
        for (isClient, sequence, acknowledgement, bytes) in numbers {
          let (own, other) = isClient ? (client, server) : (server, client)
          let send = isClient ? bench.client : bench.server
          said.append(send("A", own &+ 1 &+ sequence, other &+ 1 &+ acknowledgement, 8192, UInt32(bytes), []))
        }
        return said
      }
      let (client, server) = (UInt32.random(in: 0 ... .max, using: &chance), UInt32.max - chance.near(0) % 3000)
      #expect(judgements(1_000_000, 2_000_000) == judgements(client, server), "from \(client) and \(server)")
    }
  }
}
