import Pipeline
import Primitives
import TestSupport
import Wire

/// Ports and rings made of memory. What is handed out twice, lost or freed twice traps, or shows in `alive`.
final class Cables {
  /// Frames sent, by port.
  private(set) var sent: [PortID: [Frame]] = [:]
  /// Packets that belong to workers just now, or wait between them: where their bytes lie.
  private(set) var alive: Set<UInt> = []
  /// The workers' clock, moved by hand.
  var now = Instant(nanoseconds: 1_000_000_000)
  /// Frames that have arrived in all.
  private(set) var arrived = 0

  private var waiting: [Inlet: [Frame]] = [:]
  private var rings: [Lane: [UInt]] = [:]

  private struct Inlet: Hashable { var port: PortID, queue: Int }
  private struct Lane: Hashable { var from: Int, to: Int }

  func arrive(_ frames: [Frame], on port: PortID, queue: Int) {
    waiting[Inlet(port: port, queue: queue), default: []] += frames
    arrived += frames.count
  }

  /// Frames that no worker has taken yet, and packets that wait between workers.
  var waits: Bool { waiting.values.contains { !$0.isEmpty } || rings.values.contains { !$0.isEmpty } }

  func forgetSent() { sent = [:] }

  // MARK: As workers see them

  fileprivate func receive(_ port: PortID, _ queue: Int, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    let burst = waiting[Inlet(port: port, queue: queue), default: []].prefix(packets.count)
    waiting[Inlet(port: port, queue: queue)]?.removeFirst(burst.count)
    for (place, frame) in burst.enumerated() { unsafe packets[place] = admit(frame.bytes) }
    return burst.count
  }

  /// The frame's length and its port go before its bytes: what `gather` and `ingress` know of a handle.
  fileprivate func admit(_ bytes: [UInt8]) -> Packet {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 8 + bytes.count, alignment: 8)
    unsafe memory.storeBytes(of: UInt32(bytes.count), as: UInt32.self)
    unsafe (memory + 8).copyMemory(from: bytes, byteCount: bytes.count)
    alive.insert(UInt(bitPattern: memory))
    return packet(UInt(bitPattern: memory))
  }

  private func packet(_ handle: UInt) -> Packet {
    let memory = unsafe UnsafeRawPointer(bitPattern: handle)!
    let length = unsafe memory.load(as: UInt32.self)
    return unsafe Packet(handle: handle, bytes: memory + 8, contiguous: length, length: length)
  }

  fileprivate func send(_ port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    for place in 0..<handles.count { unsafe sent[port, default: []].append(retire(handles[place])) }
    return handles.count
  }

  @discardableResult
  fileprivate func retire(_ handle: UInt) -> Frame {
    precondition(alive.remove(handle) != nil, "a packet was given away that the worker does not have")
    let memory = unsafe UnsafeMutableRawPointer(bitPattern: handle)!
    defer { unsafe memory.deallocate() }
    let count = unsafe Int(memory.load(as: UInt32.self))
    return unsafe Frame(Array(UnsafeRawBufferPointer(start: memory + 8, count: count)))
  }

  fileprivate func handOff(_ from: Int, _ to: Int, _ port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    for place in 0..<handles.count {
      let handle = unsafe handles[place]
      unsafe UnsafeMutableRawPointer(bitPattern: handle)!.storeBytes(
        of: port.rawValue, toByteOffset: 4, as: UInt16.self)
      rings[Lane(from: from, to: to), default: []].append(handle)
    }
    return handles.count
  }

  fileprivate func receiveHandedOff(
    _ from: Int, _ to: Int, into packets: UnsafeMutableBufferPointer<Packet>
  ) -> Int {
    let burst = rings[Lane(from: from, to: to), default: []].prefix(packets.count)
    rings[Lane(from: from, to: to)]?.removeFirst(burst.count)
    for (place, handle) in burst.enumerated() { unsafe packets[place] = packet(handle) }
    return burst.count
  }

  static let gather: GatherFrame = { handle, memory, room in
    let packet = unsafe UnsafeRawPointer(bitPattern: handle)!
    let count = unsafe min(room, Int(packet.load(as: UInt32.self)))
    unsafe memory.copyMemory(from: packet + 8, byteCount: count)
    return count
  }
}

/// A worker's end of them.
struct CableEnd: PacketIO {
  let cables: Cables
  let worker: Int

  func receive(port: PortID, queue: UInt16, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    unsafe cables.receive(port, Int(queue), into: packets)
  }
  func send(port: PortID, queue: UInt16, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    unsafe cables.send(port, handles)
  }
  func release(_ handles: UnsafeMutableBufferPointer<UInt>) {
    for place in 0..<handles.count { unsafe cables.retire(handles[place]) }
  }
  func handOff(to other: Int, from port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    unsafe cables.handOff(worker, other, port, handles)
  }
  func receiveHandedOff(from other: Int, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    unsafe cables.receiveHandedOff(other, worker, into: packets)
  }
  func handOffRoom(to other: Int) -> Int { 4096 }
  func make(_ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, like _: UInt) -> Packet? {
    unsafe cables.admit(Array(header) + Array(payload))
  }
  func ingress(_ handle: UInt) -> PortID {
    unsafe PortID(rawValue: UnsafeRawPointer(bitPattern: handle)!.load(fromByteOffset: 4, as: UInt16.self))
  }
  func finish(_ packet: Packet, _ summary: Summary, for egress: Egress, queue: UInt16) -> Bool { true }
  func cycles() -> UInt64 { 0 }
  func now() -> Instant { cables.now }
}
