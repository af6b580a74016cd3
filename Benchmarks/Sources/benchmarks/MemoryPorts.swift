import CSegment
import Conntrack
import FlowCache
import Glibc
import Pipeline
import Primitives
import Reassembly
import Rules
import Ruleset
import Segment
import Steering
import TestSupport
import Wire

/// Frames in memory, one after the other in the order they are to be received.
@safe
struct FrameStore {
  private(set) var packets: UnsafeMutableBufferPointer<Packet>

  /// - Parameters:
  ///   - copies: how many packets in all; the frames are taken in turn.
  ///   - stride: bytes from one packet to the next, a multiple of 64.
  ///   - shuffled: packets come in another order than they lie in memory.
  init(_ frames: [Frame], copies: Int, stride: Int = 2048, shuffled: Bool = false) {
    precondition(frames.allSatisfy { $0.count <= stride })
    let memory = UnsafeMutableRawPointer.allocate(byteCount: copies * stride, alignment: 2 << 20)
    // As packet buffers are; where the kernel has none, translations cost more.
    unsafe madvise(memory, copies * stride, MADV_HUGEPAGE)
    unsafe packets = .allocate(capacity: copies)
    for i in 0..<copies {
      let bytes = frames[i % frames.count].bytes
      let place = unsafe memory + i * stride
      unsafe place.copyMemory(from: bytes, byteCount: bytes.count)
      let length = UInt32(bytes.count)
      unsafe packets.initializeElement(
        at: i, to: Packet(handle: UInt(i + 1), bytes: place, contiguous: length, length: length))
    }
    if shuffled { shuffle() }
  }

  /// From now on packets come in another order than they lie in memory.
  func shuffle() {
    var chance = SeededGenerator(seed: 1)
    let packets = unsafe packets
    for last in stride(from: packets.count - 1, to: 0, by: -1) {
      unsafe packets.swapAt(last, Int.random(in: 0...last, using: &chance))
    }
  }

  /// The halves of this address, as of those that `makeDistinct` writes, add up to all ones: the header's checksum does
  /// not change.
  static let someSource: Address = "198.18.57.237"

  /// Gives each packet, which is IPv4 from `someSource`, a source and a port of its own. The transport's checksum is
  /// wrong then.
  func makeDistinct() {
    for i in unsafe packets.indices {
      let header = unsafe UnsafeMutableRawPointer(mutating: packets[i].bytes) + 14
      let half = UInt16(truncatingIfNeeded: i)
      unsafe header.storeBytes(of: half.bigEndian, toByteOffset: 12, as: UInt16.self)
      unsafe header.storeBytes(of: (~half).bigEndian, toByteOffset: 14, as: UInt16.self)
      unsafe header.storeBytes(of: UInt16(1024 + i >> 16).bigEndian, toByteOffset: 20, as: UInt16.self)
    }
  }
}

/// What whoever runs a worker may change between two breaths.
struct Controls: BitwiseCopyable {
  /// Nanoseconds on the worker's clock.
  var clock: UInt64 = 0
  /// Nothing is received.
  var isSilent = false
}

/// A port that receives the frames of a store over and over, and one that takes everything: what is left is the worker.
@safe
struct MemoryPorts: PacketIO {
  private let packets: UnsafeMutableBufferPointer<Packet>
  private var next = 0
  private let controls: UnsafeMutablePointer<Controls>

  /// - Parameter store: a whole number of bursts.
  init(_ store: FrameStore, _ controls: UnsafeMutablePointer<Controls>) {
    unsafe packets = store.packets
    unsafe self.controls = controls
    unsafe precondition(packets.count.isMultiple(of: Journey.burst))
  }

  @inline(__always)
  mutating func receive(port: PortID, queue: UInt16, into burst: UnsafeMutableBufferPointer<Packet>) -> Int {
    if unsafe controls.pointee.isSilent { return 0 }
    for i in 0..<burst.count { unsafe burst[i] = packets[next &+ i] }
    next &+= burst.count
    if unsafe next == packets.count { next = 0 }
    return burst.count
  }

  @inline(__always)
  mutating func send(port: PortID, queue: UInt16, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int { handles.count }
  mutating func handOff(to worker: Int, from port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    handles.count
  }
  func handOffRoom(to worker: Int) -> Int { .max }
  mutating func make(
    _ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, like handle: UInt
  ) -> Packet? { nil }
  mutating func receiveHandedOff(from worker: Int, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    unsafe receive(port: PortID(rawValue: 0), queue: 0, into: packets)
  }
  func ingress(_ handle: UInt) -> PortID { PortID(rawValue: 0) }
  mutating func release(_ handles: UnsafeMutableBufferPointer<UInt>) {}
  mutating func finish(_ packet: Packet, _ summary: Summary, for egress: Egress, queue: UInt16) -> Bool { true }
  @inline(__always)
  func cycles() -> UInt64 { 0 }
  func now() -> Instant { unsafe Instant(nanoseconds: controls.pointee.clock) }
}

/// What a worker is to the owners of the flows that it sees.
enum Role {
  /// The only worker.
  case alone
  /// One of two, and the owner of all it receives; by the keyed hash, or by that of the ports.
  case owner(isKeyed: Bool)
  /// It owns nothing and hands everything over.
  case giver
  /// It receives nothing and takes what is handed over.
  case taker

  var ownership: Ownership {
    let hash: Ownership.Hash =
      if case .owner(isKeyed: false) = self { .toeplitz(.random()) } else { .keyed(HashSecret(seed: 1)) }
    return Ownership(by: .addressPair, hash: hash, owners: [[isGiver ? 1 : 0]])
  }

  var isGiver: Bool { if case .giver = self { true } else { false } }
  var isTaker: Bool { if case .taker = self { true } else { false } }
  var group: Int { if case .alone = self { -1 } else { 0 } }
}

/// A worker that receives the frames of a store by one port and sends them by another.
@safe
struct Bench: ~Copyable {
  let worker: UnsafeMutablePointer<Worker<MemoryPorts>>
  let controls: UnsafeMutablePointer<Controls>
  private let events: UnsafeMutablePointer<dpdkfwd_ct_event_record>
  /// What the worker's rules lie in.
  private let issue: RuleIssue?

  /// - Parameters:
  ///   - connections: how many it has room for; 0: it tracks none.
  ///   - cache: by default as the forwarder has it.
  ///   - fragments: how many it may hold; 0: they are packets like others.
  ///   - isTold: it writes events of its connections.
  ///   - rules: that every packet meets; `nil`: there are none.
  init(
    _ store: FrameStore, connections: Int = 4096, cache: FlowCache = FlowCache(), fragments: Int = 0,
    role: Role = .alone, isTold: Bool = false, rules: String? = nil
  ) {
    let out = PortID(rawValue: 1)
    let crossing = Crossing(port: PortID(rawValue: 0), egress: Egress(port: out), transmit: 0, group: role.group)
    unsafe events = .allocate(capacity: Self.eventRoom)
    unsafe events.initialize(repeating: dpdkfwd_ct_event_record(), count: Self.eventRoom)
    unsafe controls = .allocate(capacity: 1)
    unsafe controls.initialize(to: Controls())
    let states = RuleStates(workers: 1, secret: HashSecret(seed: 1))
    var journey = unsafe Journey(
      policy: Policy(), owners: OwnerTable(role.ownership, me: 0),
      tracker: Self.tracker(connections, isTold ? events : nil),
      cache: cache, fragments: Self.table(fragments), rules: states.engine(worker: 0)
    ) { _, _, _ in 0 }
    issue = rules.map { Self.issue($0, states) }
    if let issue { journey.adopt(issue.setup) }
    unsafe worker = .allocate(capacity: 1)
    unsafe worker.initialize(
      to: Worker(
        io: MemoryPorts(store, controls),
        journey: journey,
        burst: Journey.burst, receive: role.isTaker ? [] : [ReceiveQueue(queue: 0, crossing: crossing)],
        transmit: [TransmitSetup(port: out, queue: 0, attempts: 1, mostTogether: 128)],
        sources: role.isTaker ? [1] : [],
        crossings: [crossing]))
  }

  private static func issue(_ text: String, _ states: RuleStates) -> RuleIssue {
    do {
      let ports = ["in", "out"]
      let read = try RulesetReader(ports: ports).run(RulesetSource(name: "rules", text: text), on: Ruleset())
      var numbers = RuleNumbers()
      let now = Instant(nanoseconds: 0)
      return try RuleIssue(RuleProgram(read.ruleset, ports: ports, states: states, at: now), numbers: &numbers)
    } catch {
      fatalError("rules: \(error)")
    }
  }

  private static func table(_ fragments: Int) -> Reassembly {
    fragments == 0
      ? .off() : Reassembly(settings: FragmentSettings(fragments: fragments), secret: HashSecret(seed: 1))
  }

  private static let eventRoom = 4096

  private static func tracker(
    _ connections: Int, _ events: UnsafeMutablePointer<dpdkfwd_ct_event_record>?
  ) -> Tracker {
    guard connections > 0 else { return .off() }
    var log = EventLog()
    if let events = unsafe events {
      log = unsafe EventLog(
        ring: RingWriter(events, count: eventRoom), dying: nil, dyingCapacity: 0, capacity: connections, shard: 0)
      unsafe log.set(.always, zones: nil)
    }
    // IPv6 needs extensions; the large tables here are for IPv4.
    let table = ConnectionTable(
      capacity: connections, extensionCapacity: min(connections, 1 << 16), secret: HashSecret(seed: 1))
    return Tracker(table: table, settings: TrackerSettings(), events: log)
  }

  deinit {
    unsafe worker.deinitialize(count: 1)
    unsafe worker.deallocate()
    unsafe controls.deallocate()
    unsafe events.deallocate()
  }

  /// Lets connections become what they are in the long run: UDP is assured when it goes on for two seconds.
  func settle(breaths: Int) {
    for _ in 0..<3 {
      breathe(times: breaths)
      unsafe controls.pointee.clock &+= 3_000_000_000
    }
    breathe(times: breaths)
  }

  func breathe(times: Int) {
    for _ in 0..<times { _ = unsafe worker.pointee.breathe() }
  }

  /// One, so many nanoseconds after the last.
  func breathe(after nanoseconds: UInt64) {
    unsafe controls.pointee.clock &+= nanoseconds
    breathe(times: 1)
  }

  func fallSilent(seconds: UInt64) {
    unsafe controls.pointee.isSilent = true
    unsafe controls.pointee.clock &+= seconds * 1_000_000_000
  }

  /// What the worker's tracker has counted.
  var figures: dpdkfwd_ct_shard_record { unsafe worker.pointee.journey.tracker.table.counts.pointee }

  /// The same in a function that callgrind finds by its name: `Scripts/instructions` counts what it executes.
  func measure(times: Int) { unsafe measuredBreaths(worker, times) }
}

@c(dpdkfwd_measured) @inline(never)
func measuredBreaths(_ worker: UnsafeMutableRawPointer, _ times: Int) {
  let worker = unsafe worker.assumingMemoryBound(to: Worker<MemoryPorts>.self)
  for _ in 0..<times { _ = unsafe worker.pointee.breathe() }
}
