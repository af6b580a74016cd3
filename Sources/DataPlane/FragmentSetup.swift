internal import CSegment
internal import Pipeline
internal import Primitives
internal import Reassembly
internal import Segment
internal import Settings

/// What the workers' fragment tables are made of: the arenas of the segment, and each worker's part of what may be held.
@safe
struct FragmentSetup {
  private let plan: Plan
  private let segment: SegmentWriter
  private let secret = HashSecret.random()
  private let clock: Clock

  init(_ plan: Plan, segment: SegmentWriter, clock: Clock) {
    self.plan = plan
    self.segment = segment
    self.clock = clock
  }

  /// The tables of reassembly in the segment; `nil` when fragments are packets like others.
  static func tables(_ plan: Plan) -> FragmentTables? {
    plan.fragments.map {
      FragmentTables(
        datagrams: $0.datagrams, fragments: $0.fragments, fragmentEvents: FragmentEvent.allCases.map(\.name),
        datagramEvents: DatagramEvent.allCases.map(\.name))
    }
  }

  /// The fragment table of a worker.
  func table(_ shard: Int, lcore: Int) -> Reassembly {
    guard let share = plan.fragments else { return .off() }
    var table = unsafe Reassembly(
      datagrams: segment.fragmentedDatagrams(shard), datagramCapacity: share.datagrams,
      pieces: segment.fragmentPieces(shard), pieceCapacity: share.fragments,
      settings: FragmentSettings(plan.settings.reassembly, share),
      ends: plan.settings.events.mode == .off ? nil : segment.fragmentListEvents(shard), secret: secret)
    table.tellsEnds = plan.settings.events.mode == .on
    unsafe table.counts.pointee.lcore = UInt32(lcore)
    unsafe table.counts.pointee.clock_zero = Segment.Clock.monotonic() &- clock.now.nanoseconds
    unsafe segment.fragmentShard(shard).pointee = table.counts.pointee
    return table
  }
}

extension FragmentSettings {
  init(_ own: ReassemblySettings, _ share: Plan.Fragments) {
    self.init(fragments: share.fragments, mbufs: share.mbufs, bytes: share.bytes, datagrams: share.datagrams)
    func family(_ isOn: Bool, ipv6: Bool) -> FamilySettings {
      FamilySettings(
        isOn: isOn, smallest: UInt32(own.smallest(ipv6: ipv6)),
        timeout: UInt32(clamping: own.timeout(ipv6: ipv6).nanoseconds / 1_000_000))
    }
    ipv4 = family(own.ipv4, ipv6: false)
    ipv6 = family(own.ipv6, ipv6: true)
    perDatagram = own.perDatagram
    sourceShare = own.sourceShare
    high = own.high
    low = own.low
  }
}
