import CSegment
import Conntrack
import FlowCache
import Foundation
import Pipeline
import Primitives
import Reassembly
import TestSupport
import Testing

/// The short way of flow tables spares decisions and changes none: beside the same worker without a table, the same
/// frames leave, for the same reasons others do not, and connections have the same counters.
struct FlowPathTests {
  private static let rounds =
    ProcessInfo.processInfo.environment["DPDKFWD_FLOW_ROUNDS"].flatMap { Int($0) } ?? 250

  /// Two workers under rules that differ only in whether a flow table takes what they let pass.
  private final class Pair {
    let flows: TrackingBench
    let plain: TrackingBench
    private let rules = (RuleLine(), RuleLine())
    private var compared: [PortID: Int] = [:]

    init(capacity: Int) {
      func bench(_ rules: RuleLine) -> TrackingBench {
        TrackingBench(
          cache: FlowCache(isOn: false), capacity: capacity,
          fragments: Reassembly(settings: FragmentSettings(fragments: 256), secret: HashSecret(seed: 7)), rules: rules)
      }
      (flows, plain) = (bench(rules.0), bench(rules.1))
    }

    /// - Parameter forward: rules of the forward chain, before flows are offered to the table.
    func load(_ forward: String, before: String = "", counter: Bool = true, devices: String = "eth0, eth1") throws {
      func text(_ ends: String) -> String {
        """
        table inet x {
          flowtable w { hook ingress priority 0; devices = { \(devices) }; \(counter ? "counter;" : "") }
          \(before)
          chain y { type filter hook forward priority 0; policy accept; \(forward); \(ends) }
        }
        """
      }
      try rules.0.load(text("ct state established flow add @w"), into: flows.bench)
      try rules.1.load(text("ct state established accept"), into: plain.bench)
    }

    func play(_ frames: [(frame: Frame, port: PortID)], after interval: Interval) {
      for bench in [flows, plain] {
        bench.advance(interval)
        // In their order: a worker takes all that one port has before it looks at the next.
        var last: PortID?
        for (frame, port) in frames {
          if let last, last != port { while bench.bench.worker.breathe() > 0 {} }
          bench.bench.ports.arrive([frame], on: port)
          last = port
        }
        while bench.bench.worker.breathe() > 0 {}
      }
    }

    /// What is not the same; `nil`: all is.
    func difference(connectionsToo: Bool = true) -> String? {
      for port in [Bench.a, Bench.b] {
        let (mine, theirs) = (flows.bench.ports.sent[port, default: []], plain.bench.ports.sent[port, default: []])
        let from = compared[port, default: 0]
        if mine[min(from, mine.count)...] != theirs[min(from, theirs.count)...] { return "frames sent by \(port)" }
        compared[port] = mine.count
      }
      if flows.drops != plain.drops { return "drops" }
      if !flows.bench.balances { return "the sums" }
      if let wrong = flows.wrong { return wrong }
      guard connectionsToo else { return nil }
      let (mine, theirs) = (flows.flowView, plain.flowView)
      return mine == theirs ? nil : "connections:\n\(mine)\n\(theirs)"
    }

    var served: UInt64 { flows.flowCounts.packets }
  }

  /// Set-up, data, teardown, expiry, other rules, a table that is full, from one seed.
  @Test(arguments: 0..<4) func `with a flow table and without it the same comes out`(variant: Int) throws {
    var chance = SeededGenerator.forThisRun("\(variant)")
    // In the last variant connections are dropped early for want of room.
    let pair = Pair(capacity: variant == 3 ? 16 : 256)
    let variants = ["tcp dport 1 drop", "udp dport 53 ip daddr 192.0.2.99 drop", "ip ttl < 1 drop", "counter"]
    try pair.load(variants[0])
    var traffic = TrackedTraffic(trouble: 0)
    for round in 0..<Self.rounds {
      if Int.random(in: 0..<20, using: &chance) == 0 { try pair.load(variants.randomElement(using: &chance)!) }
      let pause = [0, 0, 0, 1, 200, 1000, 3000].randomElement(using: &chance)!
      let frames = (0..<Int.random(in: 1...40, using: &chance)).map { _ in traffic.next(&chance) }
      pair.play(frames, after: .milliseconds(UInt64(pause)))
      let difference = pair.difference()
      #expect(difference == nil, "round \(round)")
      guard difference == nil else { return }
    }
    print("variant \(variant): \(pair.served) packets took the short way")
    #expect(pair.served > 0)
  }

  /// The same with faulty, odd and damaged packets among them; what is tracked of those differs, as in the kernel.
  @Test func `odd packets leave as they do without a flow table`() throws {
    var chance = SeededGenerator.forThisRun()
    let pair = Pair(capacity: 256)
    try pair.load("tcp dport 1 drop", counter: false)
    var traffic = TrackedTraffic(trouble: 20)
    for round in 0..<Self.rounds {
      let frames = (0..<Int.random(in: 1...40, using: &chance)).map { _ in traffic.next(&chance) }
      pair.play(frames, after: .milliseconds([0, 1, 500].randomElement(using: &chance)!))
      let sums = pair.flows.bench.balances && pair.flows.wrong == nil
      #expect(sums && pair.flows.drops == pair.plain.drops, "round \(round)")
      guard sums, pair.flows.drops == pair.plain.drops else { return }
    }
    #expect(pair.served > 0)
  }

  /// Every capture, with its real conversations: the same frames, and the same connections, unless packets are among them
  /// that only who tracks windows calls invalid or repeated.
  @Test(.enabled(if: Shared.isThere), arguments: Shared.manifest)
  func `a real capture leaves as it does without a flow table`(_ known: CaptureFacts) throws {
    let pair = Pair(capacity: 4096)
    try pair.load("counter")
    let packets = try Capture(contentsOf: known.url).packets
    for packet in packets where packet.bytes.count <= 9000 {
      // Both ways by the addresses' order, as a tap between two sides would see it.
      let isBack = packet.bytes.count > 34 && packet.bytes[26...29].lexicographicallyPrecedes(packet.bytes[30...33])
      pair.play([(Frame(packet.bytes), isBack ? Bench.b : Bench.a)], after: .microseconds(100))
    }
    // Here a FIN and resets are sent again: they end the flow, and who has not seen the segments before cannot tell.
    let isOdd = pair.plain.counts.invalid > 0 || known.file == "tcp-synack_resets.pcap"
    let difference = pair.difference(connectionsToo: !isOdd)
    #expect(difference == nil)
  }
}

extension TrackingBench {
  fileprivate var flowCounts: dpdkfwd_flowtable_record {
    unsafe bench.worker.journey.tracker.flowRecord(1).pointee
  }

  /// Connections by what packets did to them, as far as a flow in a table has it too.
  fileprivate var flowView: [String] {
    (0..<bench.worker.journey.tracker.table.slotsUsed).compactMap { slot in
      guard bench.worker.journey.tracker.table.isLive(slot) else { return nil }
      let record = unsafe bench.worker.journey.tracker.table.record(slot).pointee
      let counts = "\(record.packets_original)/\(record.bytes_original) \(record.packets_reply)/\(record.bytes_reply)"
      let status = record.status & ~(Status.offload | Status.hardwareOffload)
      return "\(record.source) \(record.destination) \(record.source_port) \(record.destination_port) "
        + "\(record.protocol) state \(record.state) status \(status) \(counts)"
    }.sorted()
  }
}
