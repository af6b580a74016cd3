import CHook
import CSegment
import Conntrack
import HookProgram
import Pipeline
import Primitives
import Rules
import TestSupport
import Testing

/// Users' programs on a packet's journey. Those here are functions of the test; what is loaded is called alike.
struct ProgramTests {
  private enum Program {
    /// Marks; drops where there is a connection's state or mark, as there is on all hooks but ingress.
    case early
    /// Marks; drops a packet with a mark other than its own.
    case marking
    /// Drops a packet that has a mark.
    case unmarked
    case telnet

    var call: HookCall {
      switch self {
      case .early:
        unsafe Self.call { memory in
          guard let packet = unsafe memory?.assumingMemoryBound(to: dpdkfwd_bpf_packet.self) else { return 0 }
          let isKnown = unsafe packet.pointee.ct_state != 0 || packet.pointee.mark != 0
          unsafe packet.pointee.mark = 7
          return isKnown ? 0 : 1
        }
      case .marking:
        unsafe Self.call { memory in
          guard let packet = unsafe memory?.assumingMemoryBound(to: dpdkfwd_bpf_packet.self) else { return 0 }
          let isOther = unsafe packet.pointee.mark != 0 && packet.pointee.mark != 9
          unsafe packet.pointee.mark = 9
          return isOther ? 0 : 1
        }
      case .unmarked:
        unsafe Self.call { memory in
          guard let packet = unsafe memory?.assumingMemoryBound(to: dpdkfwd_bpf_packet.self) else { return 0 }
          return unsafe packet.pointee.mark == 0 ? 1 : 0
        }
      case .telnet:
        unsafe Self.call { memory in
          guard let packet = unsafe memory?.assumingMemoryBound(to: dpdkfwd_bpf_packet.self) else { return 0 }
          return unsafe packet.pointee.destination_port == 23 ? 0 : 1
        }
      }
    }

    private static func call(_ code: @escaping @convention(c) (UnsafeMutableRawPointer?) -> UInt64) -> HookCall {
      unsafe HookCall(chook_program(code: code, interpret: nil, program: nil))
    }
  }

  private final class Line {
    let rules = RuleLine()
    let bench: Bench
    var counts: [ProgramCounts] = []

    init(_ programs: [(RuleHook, Program)], rules text: String? = nil) throws {
      let tracker = Tracker(
        table: ConnectionTable(capacity: 64, extensionCapacity: 64, secret: HashSecret(seed: 7)),
        settings: TrackerSettings(), zones: ZoneMap([], ports: 2))
      bench = Bench(tracker: tracker, mailbox: rules.mailbox, states: rules.states)
      counts = programs.map { _ in ProgramCounts(workers: 1) }
      let placed = zip(programs, counts).map { program, counts in
        RuleSetup.Program(program.1.call, hook: program.0, counts: counts)
      }
      try rules.load(text ?? "", programs: placed, into: bench)
    }

    func send(_ port: UInt16) -> Bool {
      let sent = bench.sent
      bench.send([Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1").tcp(from: 4000, to: port, flags: .syn).frame()])
      return bench.sent > sent
    }

    /// Of the connection opened first.
    var mark: UInt32 { unsafe bench.worker.journey.tracker.table.record(0).pointee.mark }
  }

  @Test func `what a program stores as the mark is the connection's`() throws {
    let line = try Line([(.prerouting, .marking)])
    #expect(line.send(80) && line.send(80))
    #expect(line.mark == 9)
  }

  /// docs/ebpf.md: on ingress neither its state nor its mark is known, and what is stored is forgotten.
  @Test func `a mark set on ingress is nobody's, for there is no connection yet`() throws {
    let line = try Line(
      [(.ingress, .early), (.prerouting, .marking)],
      rules: "table ip f { chain c { type filter hook prerouting priority 0; ct mark 7 drop; } }")
    #expect(line.send(80) && line.send(80))
    #expect(line.mark == 9)
    let alone = try Line([(.ingress, .early)])
    #expect(alone.send(80) && alone.send(80))
    #expect(alone.mark == 0)
  }

  @Test func `a mark of a packet without a connection is forgotten from one hook to the next`() throws {
    let line = try Line(
      [(.prerouting, .marking), (.forward, .unmarked)],
      rules: "table ip f { chain c { type filter hook prerouting priority raw; notrack; } }")
    #expect(line.send(80))
    #expect(line.bench.worker.journey.tracker.table.count == 0)
  }

  @Test func `a program counts what it was shown and what it dropped, and those behind it the rest`() throws {
    let line = try Line([(.forward, .telnet), (.forward, .marking), (.postrouting, .telnet)])
    for port: UInt16 in [80, 23, 443, 23, 80] { _ = line.send(port) }
    #expect(line.counts[0].sum.packets == 5 && line.counts[0].sum.drops == 2)
    #expect(line.counts[1].sum.packets == 3 && line.counts[1].sum.drops == 0)
    #expect(line.counts[2].sum.packets == 3 && line.counts[2].sum.drops == 0)
    #expect(line.bench.dropped(.hookProgram) == 2 && line.bench.balances)
  }
}
