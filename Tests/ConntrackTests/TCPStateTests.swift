import CSegment
import Conntrack
import TestSupport
import Testing
import Wire

/// Every state, both directions, every kind of segment: a row, or invalid.
struct TCPStateTests {
  /// Direction, segment, state before, what becomes of it. Numbers are those of the conformance list.
  static let rows = """
    original SYN     NONE         SYN_SENT
    original SYN     SYN_SENT     SYN_SENT      11
    original SYN     SYN_RECV     ignored
    original SYN     ESTABLISHED  ignored       9
    original SYN     FIN_WAIT     ignored
    original SYN     CLOSE_WAIT   ignored
    original SYN     LAST_ACK     ignored
    original SYN     TIME_WAIT    reopens       30
    original SYN     CLOSE        reopens       9, 30
    original SYN     SYN_SENT2    SYN_SENT2     21
    reply    SYN     SYN_SENT     SYN_SENT2     21
    reply    SYN     SYN_SENT2    SYN_SENT2     21
    reply    SYN     TIME_WAIT    reopens
    original SYNACK  SYN_RECV     SYN_RECV      21
    original SYNACK  SYN_SENT2    SYN_RECV      21
    reply    SYNACK  SYN_SENT     SYN_RECV      8
    reply    SYNACK  SYN_RECV     ignored
    reply    SYNACK  ESTABLISHED  ignored
    reply    SYNACK  FIN_WAIT     ignored
    reply    SYNACK  CLOSE_WAIT   ignored
    reply    SYNACK  LAST_ACK     ignored
    reply    SYNACK  TIME_WAIT    ignored
    reply    SYNACK  CLOSE        ignored
    reply    SYNACK  SYN_SENT2    SYN_RECV      21
    original FIN     SYN_RECV     FIN_WAIT
    original FIN     ESTABLISHED  FIN_WAIT      13
    original FIN     FIN_WAIT     LAST_ACK      22
    original FIN     CLOSE_WAIT   LAST_ACK
    original FIN     LAST_ACK     LAST_ACK
    original FIN     TIME_WAIT    TIME_WAIT
    original FIN     CLOSE        CLOSE
    reply    FIN     SYN_RECV     FIN_WAIT
    reply    FIN     ESTABLISHED  FIN_WAIT
    reply    FIN     FIN_WAIT     LAST_ACK      22
    reply    FIN     CLOSE_WAIT   LAST_ACK      13
    reply    FIN     LAST_ACK     LAST_ACK
    reply    FIN     TIME_WAIT    TIME_WAIT
    reply    FIN     CLOSE        CLOSE
    original ACK     NONE         ESTABLISHED   24
    original ACK     SYN_RECV     ESTABLISHED   10
    original ACK     ESTABLISHED  ESTABLISHED
    original ACK     FIN_WAIT     CLOSE_WAIT
    original ACK     CLOSE_WAIT   CLOSE_WAIT
    original ACK     LAST_ACK     TIME_WAIT     13
    original ACK     TIME_WAIT    TIME_WAIT
    original ACK     CLOSE        CLOSE
    reply    ACK     SYN_SENT     ignored       10
    reply    ACK     SYN_RECV     SYN_RECV
    reply    ACK     ESTABLISHED  ESTABLISHED
    reply    ACK     FIN_WAIT     CLOSE_WAIT    13
    reply    ACK     CLOSE_WAIT   CLOSE_WAIT
    reply    ACK     LAST_ACK     TIME_WAIT     22
    reply    ACK     TIME_WAIT    TIME_WAIT
    reply    ACK     CLOSE        CLOSE
    reply    ACK     SYN_SENT2    ignored
    original RST     SYN_SENT     CLOSE         10
    original RST     SYN_RECV     CLOSE
    original RST     ESTABLISHED  CLOSE         7
    original RST     FIN_WAIT     CLOSE
    original RST     CLOSE_WAIT   CLOSE         2
    original RST     LAST_ACK     CLOSE
    original RST     TIME_WAIT    CLOSE
    original RST     CLOSE        CLOSE         2
    original RST     SYN_SENT2    CLOSE
    reply    RST     SYN_SENT     CLOSE         23
    reply    RST     SYN_RECV     CLOSE
    reply    RST     ESTABLISHED  CLOSE         7
    reply    RST     FIN_WAIT     CLOSE
    reply    RST     CLOSE_WAIT   CLOSE         2
    reply    RST     LAST_ACK     CLOSE
    reply    RST     TIME_WAIT    CLOSE
    reply    RST     CLOSE        CLOSE         2
    reply    RST     SYN_SENT2    CLOSE
    """

  static let kinds: [(String, TCPSegment.Kind, flags: String)] = [
    ("SYN", .syn, "S"), ("SYNACK", .synAck, "SA"), ("FIN", .fin, "FA"), ("ACK", .ack, "A"), ("RST", .reset, "RA"),
  ]

  /// What a row says of a state, a direction and a segment.
  static func expected(_ state: TCPState, _ direction: Direction, _ kind: String) -> TCPStep {
    let rows = rows.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let row = rows.filter { $0[0] == "\(direction)" && $0[1] == kind && $0[2] == state.name }
    precondition(row.count < 2, "two rows for \(state.name) \(direction) \(kind)")
    switch row.first?[3] {
    case nil: return .invalid
    case "ignored": return .ignored
    case "reopens": return .reopens
    case let name: return .to(TCPState.allCases.first { $0.name == name }!)
    }
  }

  @Test func `each step is a row of the table, or invalid`() {
    for state in TCPState.allCases {
      for direction in Direction.allCases {
        for (name, kind, _) in Self.kinds {
          #expect(
            state.after(kind, direction) == Self.expected(state, direction, name), "\(state.name) \(direction) \(name)")
        }
        #expect(state.after(.none, direction) == .invalid)
      }
    }
  }

  /// The same walk through the tracker, with segments inside the windows of a connection that was answered.
  @Test func `the tracker takes the step that the table says`() {
    for old in TCPState.allCases where old != .none {
      for direction in Direction.allCases {
        for (name, _, flags) in Self.kinds {
          let bench = TCPBench()
          bench.handshake()
          bench.line.state = old.rawValue
          let judgement =
            direction == .original ? bench.client(flags, 1001, ack: 5001) : bench.server(flags, 5001, ack: 1001)
          let (said, after) = (Comment("\(old.name) \(direction) \(name)"), bench.line.tcpState)
          switch Self.expected(old, direction, name) {
          case .invalid:
            #expect(judgement == .invalid(.tcpTransition), said)
            #expect(after == old, said)
          case .ignored, .reopens:  // no close was seen
            #expect(judgement == .pass, said)
            #expect(after == old, said)
          case .to(let next):
            #expect(judgement.action == .accept, said)
            #expect(after == next, said)
          }
        }
      }
    }
  }

  /// Conformance 26 and 27: PSH, ECE and CWR go with everything, URG with SYN, ACK and FIN ACK.
  @Test func `of all combinations of flags those that a TCP sends are taken`() {
    let plain = Set(["S", "SA", "SU", "R", "RA", "A", "AU", "FA", "FAU"].map(tcpFlags))
    for flags in UInt8.min ... .max {
      let segment = TCPSegment(
        sequence: 1, acknowledgement: 1, flags: TCPSegment.Flags(rawValue: flags), window: 1)
      #expect(segment.isSensible == plain.contains(flags & ~tcpFlags("PEC")), "flags \(flags)")
    }
    let bench = TCPBench()
    #expect(bench.client("FPU", 1000) == .invalid(.tcpFlags))
    bench.handshake()
    #expect(bench.client("SF", 1001) == .invalid(.tcpFlags))
    #expect(bench.state == .established)
  }

  @Test func `states have netfilter's numbers, names and timeouts`() {
    #expect(
      TCPState.allCases.map(\.name) == [
        "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
        "SYN_SENT2",
      ])
    for state in TCPState.allCases where state != .none {
      #expect(state.timeout.name == "tcp_timeout_\(state.name.lowercased())")
    }
  }
}
