import Conntrack
import FlowCache
import Pipeline
import Primitives
import Reassembly
import Rules
import TestSupport
import Wire

/// Ports made of memory. A packet is a buffer of exactly its own size; handing one out twice, losing one or freeing one
/// twice traps or shows in `alive`.
final class VirtualPorts {
  /// Frames sent, by port, in order.
  private(set) var sent: [PortID: [Frame]] = [:]
  /// How many packets a port takes in one call, call by call; what is not listed takes all.
  var room: [PortID: [Int]] = [:]
  /// Handles that belong to workers just now, or wait between them.
  private(set) var alive: Set<UInt> = []
  /// Packets that one worker may leave for another, and what waits there.
  var ringRoom = 64
  private(set) var rings: [Lane: [UInt]] = [:]
  /// Packets whose sender left something to do, as they were finished.
  private(set) var finished: [Summary] = []
  var canFinish = true
  /// The worker's clock, moved by hand.
  var now = Instant(nanoseconds: 0)

  /// Bytes of the first segment, of packets that have several.
  private var contiguous: [UInt: Int] = [:]
  private var waiting: [Inlet: [Arrival]] = [:]

  struct Lane: Hashable { var from, to: Int }
  struct Inlet: Hashable { var port: PortID, queue: Int }

  struct Arrival {
    var frame: Frame
    var marks: PacketMarks = []
    /// Bytes of the first segment; `nil`: all.
    var contiguous: Int?
  }

  func arrive(
    _ frames: [Frame], on port: PortID, queue: Int = 0, marks: PacketMarks = [], contiguous: Int? = nil
  ) {
    waiting[Inlet(port: port, queue: queue), default: []] += frames.map {
      Arrival(frame: $0, marks: marks, contiguous: contiguous)
    }
  }

  // MARK: As a worker sees them

  func receive(_ port: PortID, queue: Int, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    let inlet = Inlet(port: port, queue: queue)
    let burst = waiting[inlet, default: []].prefix(packets.count)
    waiting[inlet]?.removeFirst(burst.count)
    for (i, arrival) in burst.enumerated() { unsafe packets[i] = admit(arrival) }
    return burst.count
  }

  private func admit(_ arrival: Arrival) -> Packet {
    let bytes = arrival.frame.bytes
    // Room for a length word and the port, then the frame: what `gather` and `ingress` need to know of a handle.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 8 + bytes.count, alignment: 8)
    unsafe memory.storeBytes(of: Int32(bytes.count), as: Int32.self)
    contiguous[UInt(bitPattern: memory)] = arrival.contiguous
    unsafe (memory + 8).copyMemory(from: bytes, byteCount: bytes.count)
    let handle = UInt(bitPattern: memory)
    alive.insert(handle)
    return unsafe Packet(
      handle: handle, bytes: memory + 8, contiguous: UInt32(arrival.contiguous ?? bytes.count),
      length: UInt32(bytes.count), marks: arrival.marks, segments: arrival.contiguous == nil ? 1 : 2)
  }

  func send(_ port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    var taken = handles.count
    if let limits = room[port], !limits.isEmpty { taken = min(taken, room[port]!.removeFirst()) }
    for i in 0..<taken { unsafe sent[port, default: []].append(retire(handles[i])) }
    return taken
  }

  func release(_ handle: UInt) { _ = retire(handle) }

  func handOff(_ lane: Lane, from port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    let taken = min(handles.count, ringRoom - rings[lane, default: []].count)
    for i in 0..<taken {
      let handle = unsafe handles[i]
      precondition(alive.contains(handle), "a packet was handed over that the worker does not have")
      unsafe UnsafeMutableRawPointer(bitPattern: handle)!.storeBytes(
        of: port.rawValue, toByteOffset: 4, as: UInt16.self)
      rings[lane, default: []].append(handle)
    }
    return taken
  }

  func receiveHandedOff(_ lane: Lane, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    let burst = rings[lane, default: []].prefix(packets.count)
    rings[lane]?.removeFirst(burst.count)
    for (i, handle) in burst.enumerated() {
      let memory = unsafe UnsafeRawPointer(bitPattern: handle)!
      let length = unsafe UInt32(memory.load(as: Int32.self))
      unsafe packets[i] = Packet(
        handle: handle, bytes: memory + 8, contiguous: contiguous[handle].map { UInt32($0) } ?? length, length: length)
    }
    return burst.count
  }

  func ingress(_ handle: UInt) -> PortID {
    unsafe PortID(
      rawValue: UnsafeRawPointer(bitPattern: handle)!.load(fromByteOffset: 4, as: UInt16.self))
  }

  private func retire(_ handle: UInt) -> Frame {
    precondition(alive.remove(handle) != nil, "a packet was given away that the worker does not have")
    let memory = unsafe UnsafeMutableRawPointer(bitPattern: handle)!
    defer { unsafe memory.deallocate() }
    contiguous[handle] = nil
    let count = unsafe Int(memory.load(as: Int32.self))
    return unsafe Frame(Array(UnsafeRawBufferPointer(start: memory + 8, count: count)))
  }

  /// Packets that may be made before there is no buffer left.
  var spare = Int.max

  func make(_ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Packet? {
    guard spare > 0 else { return nil }
    spare -= 1
    return unsafe admit(Arrival(frame: Frame(Array(header) + Array(payload))))
  }

  func finish(_ summary: Summary) -> Bool {
    if canFinish { finished.append(summary) }
    return canFinish
  }

  static let gather: GatherFrame = { handle, memory, room in
    let packet = unsafe UnsafeRawPointer(bitPattern: handle)!
    let count = unsafe min(room, Int(packet.load(as: Int32.self)))
    unsafe memory.copyMemory(from: packet + 8, byteCount: count)
    return count
  }
}

/// A worker's hold on the virtual ports.
struct VirtualIO: PacketIO {
  let ports: VirtualPorts
  var worker = 0

  func receive(port: PortID, queue: UInt16, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    unsafe ports.receive(port, queue: Int(queue), into: packets)
  }
  func send(port: PortID, queue: UInt16, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    unsafe ports.send(port, handles)
  }
  func release(_ handles: UnsafeMutableBufferPointer<UInt>) {
    for i in 0..<handles.count { unsafe ports.release(handles[i]) }
  }
  func handOff(to other: Int, from port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    unsafe ports.handOff(VirtualPorts.Lane(from: worker, to: other), from: port, handles)
  }
  func receiveHandedOff(from other: Int, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    unsafe ports.receiveHandedOff(VirtualPorts.Lane(from: other, to: worker), into: packets)
  }
  func handOffRoom(to other: Int) -> Int {
    ports.ringRoom - ports.rings[VirtualPorts.Lane(from: worker, to: other), default: []].count
  }
  func make(_ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, like _: UInt) -> Packet? {
    unsafe ports.make(header, payload)
  }
  func ingress(_ handle: UInt) -> PortID { ports.ingress(handle) }
  func finish(_ packet: Packet, _ summary: Summary, for egress: Egress, queue: UInt16) -> Bool { ports.finish(summary) }
  func cycles() -> UInt64 { 0 }
  func now() -> Instant { ports.now }
}

/// One worker between two virtual ports, `a` and `b`.
final class Bench {
  static let a = PortID(rawValue: 0)
  static let b = PortID(rawValue: 1)

  let ports = VirtualPorts()
  var worker: Worker<VirtualIO>

  init(
    policy: Policy = Policy(), tracker: consuming Tracker = .off(), cache: FlowCache = FlowCache(),
    fragments: consuming Reassembly = .off(), burst: Int = 32, attempts: UInt32 = 3, mostTogether: Int = 256,
    toA: Egress = Egress(port: a), toB: Egress = Egress(port: b), mailbox: Mailbox? = nil,
    states: RuleStates = RuleStates(workers: 1, secret: HashSecret(seed: 11))
  ) {
    let rules = states.engine(worker: 0, liveness: ConnectionLiveness(tracker))
    worker = Worker(
      io: VirtualIO(ports: ports),
      journey: unsafe Journey(
        policy: policy, tracker: tracker, cache: cache, fragments: fragments, rules: rules,
        gather: VirtualPorts.gather),
      burst: burst,
      receive: [
        ReceiveQueue(queue: 0, crossing: Crossing(port: Self.a, egress: toB, transmit: 0)),
        ReceiveQueue(queue: 0, crossing: Crossing(port: Self.b, egress: toA, transmit: 1)),
      ],
      transmit: [
        TransmitSetup(port: Self.b, queue: 0, attempts: attempts, mostTogether: mostTogether),
        TransmitSetup(port: Self.a, queue: 0, attempts: attempts, mostTogether: mostTogether),
      ], mailbox: mailbox)
  }

  /// Frames arrive on `a`; the worker breathes until it has taken them all.
  func send(_ frames: [Frame], marks: PacketMarks = [], contiguous: Int? = nil) {
    ports.arrive(frames, on: Self.a, marks: marks, contiguous: contiguous)
    while worker.breathe() > 0 {}
  }

  /// What left by `b` so far.
  var out: [Frame] { ports.sent[Self.b, default: []] }

  var received: UInt64 { worker.receiveQueue(0).packets + worker.receiveQueue(1).packets }
  var sent: UInt64 { worker.transmitQueue(0).packets + worker.transmitQueue(1).packets }
  var dropped: UInt64 { worker.journey.tally.dropped }
  func dropped(_ reason: DropReason) -> UInt64 { worker.journey.tally.drops[Int(reason.rawValue)].packets }
  func seen(_ kind: PacketKind) -> UInt64 { worker.journey.tally.kinds[Int(kind.rawValue)].packets }
  func invalid(_ reason: InvalidReason) -> UInt64 { worker.journey.tally.invalid[Int(reason.rawValue)] }

  /// received = sent + held + dropped, and the worker has exactly the packets that it holds.
  var balances: Bool {
    let reasons = DropReason.allCases.reduce(0) { $0 + dropped($1) }
    let held = worker.held
    return received == sent + UInt64(held) + dropped && dropped == reasons && ports.alive.count == held
  }
}
