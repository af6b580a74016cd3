import CSegment
import Conntrack
import FlowCache
import Pipeline
import Primitives
import TestSupport
import Testing
import Wire

/// Packets of one burst are judged as if each had come alone.
struct TrackingTests {
  private static let client = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80")
  private static let server = Datagram.ipv4(from: "192.0.2.80", to: "10.0.0.1")

  private static func up(_ flags: TCPFlags, _ seq: UInt32, _ ack: UInt32 = 0, _ payload: [UInt8] = []) -> Datagram {
    client.tcp(from: 4000, to: 80, flags: flags, seq: seq, ack: ack, payload: payload)
  }
  private static func down(_ flags: TCPFlags, _ seq: UInt32, _ ack: UInt32 = 0, _ payload: [UInt8] = []) -> Datagram {
    server.tcp(from: 80, to: 4000, flags: flags, seq: seq, ack: ack, payload: payload)
  }
  private static let handshake = [up(.syn, 100), down([.syn, .ack], 500, 101), up(.ack, 101, 501)]

  /// Short stories whose packets depend on each other.
  enum Script: String, CaseIterable, CustomTestStringConvertible {
    case handshake, dataBehindFIN, resetThenSYN, errorBehindItsCause, questionAndAnswer, ownPing, refusedAndResent

    var testDescription: String { rawValue }

    var datagrams: [Datagram] {
      let question = client.udp(from: 5000, to: 53, payload: [1])
      switch self {
      case .handshake: return TrackingTests.handshake + [up([.psh, .ack], 101, 501, [1, 2, 3]), down(.ack, 501, 104)]
      case .dataBehindFIN:
        return TrackingTests.handshake + [
          up([.fin, .ack], 101, 501), up([.psh, .ack], 102, 501, [1]), down([.fin, .ack], 501, 102), up(.ack, 102, 502),
          down([.psh, .ack], 502, 102, [1]),
        ]
      case .resetThenSYN:
        return TrackingTests.handshake + [
          up(.rst, 101), up(.syn, 9000), down([.syn, .ack], 1, 9001), up(.ack, 9001, 2),
        ]
      case .errorBehindItsCause:
        let error = Datagram.ipv4(from: "198.51.100.1", to: "10.0.0.1").icmp(
          type: 11, id: 0, seq: 0, payload: Array(question.bytes.prefix(28)))
        return [error, question, error, question.reversed, error]
      case .questionAndAnswer:
        let question6 = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::53").udp(from: 5000, to: 53)
        return [question, question.reversed, question6, question6, question6.reversed, question]
      case .ownPing:
        let ping = client.icmp(id: 9)
        return [ping.reversed, ping, ping.reversed, ping, server.icmp(id: 9)]
      case .refusedAndResent: return [up(.rst, 1), up(.syn, 100), down([.rst, .ack], 0, 101), up(.syn, 100)]
      }
    }
  }

  /// Every way to cut the row: 2^(n-1) of them.
  @Test(arguments: Script.allCases)
  func `a script is judged alike however it is split into bursts`(script: Script) {
    let frames = script.datagrams.map { $0.frame() }
    let alone = Self.outcome(frames, Array(repeating: 1, count: frames.count))
    for cuts in 0..<1 << (frames.count - 1) {
      var bursts = [1]
      for i in 1..<frames.count {
        if cuts & 1 << (i - 1) == 0 { bursts[bursts.count - 1] += 1 } else { bursts.append(1) }
      }
      #expect(Self.outcome(frames, bursts) == alone, "bursts \(bursts)")
    }
  }

  /// Long rows of TCP, UDP and ICMP, invalid packets dropped; cut at random.
  @Test func `a long row is judged alike however it is split into bursts`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<5 {
      var traffic = TrackedTraffic(trouble: 20)
      let frames = (0..<400).map { _ in traffic.next(&chance).frame }
      let alone = Self.outcome(frames, Array(repeating: 1, count: frames.count), invalid: .drop)
      for most in [2, 5, 32] {
        var bursts: [Int] = []
        var left = frames.count
        while left > 0 {
          bursts.append(min(left, Int.random(in: 1...most, using: &chance)))
          left -= bursts.last!
        }
        #expect(Self.outcome(frames, bursts, invalid: .drop) == alone, "bursts of at most \(most)")
      }
    }
  }

  private struct Outcome: Equatable {
    var verdicts: [Verdict]
    var classes: [UInt64]
    var table: [Int: [UInt8]]
    var counters: [UInt8]
    var drops: [UInt64]
  }

  private static func outcome(_ frames: [Frame], _ bursts: [Int], invalid: Policy.Invalid = .forward) -> Outcome {
    let bench = TrackingBench(policy: Policy(invalid: invalid))
    let verdicts = bench.play(frames, bursts: bursts)
    #expect(bench.bench.balances)
    #expect(bench.wrong == nil)
    return Outcome(
      verdicts: verdicts, classes: bench.classes, table: bench.table, counters: bench.counters, drops: bench.drops)
  }

  // MARK: Refusals

  /// C3: whatever refuses the packet, it leaves no connection, and what was received is sent, held or dropped.
  @Test(arguments: [
    DropReason.connectionTableFull, .connectionLimit, .zoneLimit, .sourceLimit, .newRefused, .tupleTaken, .linkDown,
    .mtuExceeded, .invalid,
  ])
  func `a connection that is refused is a packet dropped, for that reason`(reason: DropReason) {
    let limits: SharedLimits? =
      switch reason {
      case .connectionLimit: SharedLimits(total: 4, capacity: 64, secret: TrackingBench.secret)
      case .zoneLimit: SharedLimits(zones: [0: 4], capacity: 64, secret: TrackingBench.secret)
      case .sourceLimit: SharedLimits(source: 4, capacity: 64, secret: TrackingBench.secret)
      default: nil
      }
    var settings = TrackerSettings()
    if reason == .connectionTableFull { settings.mostUnassured = 0 }
    let bench = TrackingBench(
      policy: Policy(invalid: .drop, refusesNew: reason == .newRefused ? 1 : 0),
      zones: reason == .tupleTaken ? [ZoneMap.Rule(port: 0, zones: ZonePair(original: 5, reply: 0))] : [],
      settings: settings, limits: limits,
      toB: Egress(port: Bench.b, closed: reason == .linkDown ? .linkDown : nil, mtu: reason == .mtuExceeded ? 28 : nil))
    let datagrams = (0..<20).map { port in
      reason == .invalid
        ? Self.up([.syn, .fin], UInt32(port)) : Self.client.udp(from: UInt16(5000 + port), to: 53, payload: [1])
    }
    if reason == .tupleTaken {
      // The same flows from the other port, in zone 0 both ways, come first.
      _ = bench.play(datagrams.map { $0.frame() }, bursts: [20], on: Bench.b)
      for datagram in datagrams { #expect(bench.play([datagram.frame()], bursts: [1]) == [.drop(reason)]) }
    } else {
      _ = bench.play(datagrams.map { $0.frame() }, bursts: [7, 13])
    }
    let refused = bench.bench.dropped(reason)
    #expect(refused > 0)
    #expect(bench.bench.dropped == refused)
    #expect(bench.bench.balances)
    #expect(bench.counts.entries == bench.bench.sent)
    #expect(bench.wrong == nil)
  }
}
