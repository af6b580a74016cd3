import Conntrack
import FlowCache
import Pipeline
import Primitives
import Reassembly
import TestSupport
import Wire

/// A worker that tracks and puts fragments together, and what left it.
final class FragmentBench {
  let tracking: TrackingBench

  init(
    policy: Policy = Policy(), cache: FlowCache = FlowCache(), zones: [ZoneMap.Rule] = [], isTracking: Bool = true,
    toB: Egress = Egress(port: Bench.b), attempts: UInt32 = 3, mostTogether: Int = 256, mailbox: Mailbox? = nil,
    change: (inout FragmentSettings) -> Void = { _ in }
  ) {
    var settings = FragmentSettings(fragments: 512)
    change(&settings)
    let fragments = Reassembly(settings: settings, secret: HashSecret(seed: 5))
    tracking = TrackingBench(
      policy: policy, cache: cache, zones: zones, isTracking: isTracking, fragments: fragments, toB: toB,
      attempts: attempts, mostTogether: mostTogether, mailbox: mailbox)
  }

  var bench: Bench { tracking.bench }
  var out: [Frame] { bench.out }

  /// The frames arrive by port `a` in one burst; what became of each.
  @discardableResult
  func play(_ frames: [Frame], contiguous: Int? = nil, marks: PacketMarks = []) -> [Verdict] {
    bench.ports.arrive(frames, on: Bench.a, marks: marks, contiguous: contiguous)
    let received = bench.worker.breathe()
    return (0..<received).map { bench.worker.journey.verdicts[$0] }
  }

  func count(_ event: FragmentEvent, ipv6: Bool = false) -> UInt64 {
    bench.worker.journey.fragments.count(of: event, ipv6 ? 1 : 0)
  }
  func count(_ event: DatagramEvent, ipv6: Bool = false) -> UInt64 {
    bench.worker.journey.fragments.count(of: event, ipv6 ? 1 : 0)
  }
  var held: Int { bench.worker.journey.fragments.held }

  /// Nothing is lost, neither packets nor what holds them.
  var balances: Bool {
    let (from, into) = (bench.worker.cutFrom.packets, bench.worker.cutInto.packets)
    return bench.received + into == bench.sent + UInt64(bench.worker.held) + bench.dropped + from
      && bench.ports.alive.count == bench.worker.held
  }
}

extension Datagram {
  /// A datagram of so many bytes above UDP.
  static func sample(_ count: Int, id: UInt16 = 0x77, source: Address = "10.0.0.1", port: UInt16 = 1000) -> Datagram {
    Datagram.ipv4(from: source, to: "192.0.2.1", id: id)
      .udp(from: port, to: 53, payload: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) })
  }
  static func sample6(_ count: Int, headers: [ExtensionHeader] = []) -> Datagram {
    Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2", headers: headers)
      .udp(from: 1000, to: 53, payload: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) })
  }
  func frames(size: Int, id: UInt32 = 0x5eed, vlan: [UInt16] = []) -> [Frame] {
    fragments(size: size, id: id).map { $0.frame(vlan: vlan) }
  }
}
