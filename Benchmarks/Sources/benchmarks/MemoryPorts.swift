import Glibc
import Pipeline
import Primitives
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
    if shuffled {
      var chance = SeededGenerator(seed: 1)
      unsafe packets.shuffle(using: &chance)
    }
  }
}

/// A port that receives the frames of a store over and over, and one that takes everything: what is left is the worker.
@safe
struct MemoryPorts: PacketIO {
  private let packets: UnsafeMutableBufferPointer<Packet>
  private var next = 0

  /// - Parameter store: a whole number of bursts.
  init(_ store: FrameStore) {
    unsafe packets = store.packets
    unsafe precondition(packets.count.isMultiple(of: Journey.burst))
  }

  @inline(__always)
  mutating func receive(port: PortID, queue: UInt16, into burst: UnsafeMutableBufferPointer<Packet>) -> Int {
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
  mutating func receiveHandedOff(from worker: Int, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    unsafe receive(port: PortID(rawValue: 0), queue: 0, into: packets)
  }
  func ingress(_ handle: UInt) -> PortID { PortID(rawValue: 0) }
  mutating func release(_ handles: UnsafeMutableBufferPointer<UInt>) {}
  mutating func finish(_ packet: Packet, _ summary: Summary, for egress: Egress, queue: UInt16) -> Bool { true }
  @inline(__always)
  func cycles() -> UInt64 { 0 }
  func now() -> Instant { Instant(nanoseconds: 0) }
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

  init(_ store: FrameStore, role: Role = .alone) {
    let out = PortID(rawValue: 1)
    let crossing = Crossing(port: PortID(rawValue: 0), egress: Egress(port: out), transmit: 0, group: role.group)
    unsafe worker = .allocate(capacity: 1)
    unsafe worker.initialize(
      to: Worker(
        io: MemoryPorts(store),
        journey: Journey(policy: Policy(), owners: OwnerTable(role.ownership, me: 0)) { _, _, _ in 0 },
        burst: Journey.burst, receive: role.isTaker ? [] : [ReceiveQueue(queue: 0, crossing: crossing)],
        transmit: [TransmitSetup(port: out, queue: 0, attempts: 1)], sources: role.isTaker ? [1] : [],
        crossings: [crossing]))
  }

  deinit {
    unsafe worker.deinitialize(count: 1)
    unsafe worker.deallocate()
  }

  func breathe(times: Int) {
    for _ in 0..<times { _ = unsafe worker.pointee.breathe() }
  }

  /// The same in a function that callgrind finds by its name: `Scripts/instructions` counts what it executes.
  func measure(times: Int) { unsafe measuredBreaths(worker, times) }
}

@c(dpdkfwd_measured) @inline(never)
func measuredBreaths(_ worker: UnsafeMutableRawPointer, _ times: Int) {
  let worker = unsafe worker.assumingMemoryBound(to: Worker<MemoryPorts>.self)
  for _ in 0..<times { _ = unsafe worker.pointee.breathe() }
}
