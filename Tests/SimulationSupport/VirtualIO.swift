import Pipeline
import Primitives
import Wire

/// One worker's hold on the world.
struct VirtualIO: PacketIO {
  let world: World
  let worker: Int

  mutating func receive(port: PortID, queue: UInt16, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    var burst = unsafe OutputSpan(buffer: packets, initializedCount: 0)
    world.receive(worker, port: Int(port.rawValue), queue: Int(queue), into: &burst)
    return unsafe burst.finalize(for: packets)
  }

  mutating func send(port: PortID, queue: UInt16, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    var span = unsafe MutableSpan(_unsafeElements: handles)
    return world.send(worker, port: Int(port.rawValue), queue: Int(queue), &span)
  }

  mutating func release(_ handles: UnsafeMutableBufferPointer<UInt>) {
    unsafe world.release(worker, Span(_unsafeElements: handles))
  }

  mutating func handOff(to other: Int, from port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int {
    unsafe world.handOff(worker, to: other, from: Int(port.rawValue), Span(_unsafeElements: handles))
  }

  func handOffRoom(to other: Int) -> Int { world.handOffRoom(worker, to: other) }

  mutating func make(
    _ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, like handle: UInt
  ) -> Packet? { unsafe world.make(worker, Array(header) + Array(payload), like: handle) }

  mutating func receiveHandedOff(from other: Int, into packets: UnsafeMutableBufferPointer<Packet>) -> Int {
    var burst = unsafe OutputSpan(buffer: packets, initializedCount: 0)
    world.receiveHandedOff(worker, from: other, into: &burst)
    return unsafe burst.finalize(for: packets)
  }

  func ingress(_ handle: UInt) -> PortID { world.ingress(handle) }

  mutating func finish(_ packet: Packet, _ summary: Summary, for egress: Egress, queue: UInt16) -> Bool {
    world.finish(worker, packet.handle, summary, egress)
  }

  func cycles() -> UInt64 { world.cycles }
  func now() -> Instant { world.time(of: worker) }
}
