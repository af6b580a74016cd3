public import Primitives
public import Wire

/// The ports as a worker sees them: real ones in `DataPlane`, virtual ones in the simulator and in tests.
///
/// A packet is the worker's from `receive` until `send` takes it or `release` gives it back.
public protocol PacketIO: ~Copyable {
  /// Fills `packets` from its start with what has arrived on a queue; returns how many.
  mutating func receive(port: PortID, queue: UInt16, into packets: UnsafeMutableBufferPointer<Packet>) -> Int

  /// Offers packets, known by handle, in order; returns how many, counted from the first, the queue took.
  mutating func send(port: PortID, queue: UInt16, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int

  /// Gives packets back to their pool.
  mutating func release(_ handles: UnsafeMutableBufferPointer<UInt>)

  /// Offers packets of another worker's flows to its ring, in order; returns how many, counted from the first, it took.
  /// Those are the other worker's from then on.
  ///
  /// - Parameter port: which they came in by.
  mutating func handOff(to worker: Int, from port: PortID, _ handles: UnsafeMutableBufferPointer<UInt>) -> Int

  /// How many packets its ring would take just now, at least.
  func handOffRoom(to worker: Int) -> Int

  /// Makes a packet of these bytes, headers and what follows them, as if it had come in like the one of that handle.
  ///
  /// - Returns: `nil` when there is no buffer for it.
  mutating func make(_ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, like handle: UInt) -> Packet?

  /// Fills `packets` from its start with what another worker handed over; returns how many.
  mutating func receiveHandedOff(from worker: Int, into packets: UnsafeMutableBufferPointer<Packet>) -> Int

  /// The port that a packet came in by which was handed over.
  func ingress(_ handle: UInt) -> PortID

  /// Finishes what the sender left to its port (a checksum, a cut into segments), or asks the egress port to, so that
  /// the frame can leave by that queue. Only asked for what `Egress` lets through.
  ///
  /// - Returns: `false` when it cannot; the packet must not leave then.
  mutating func finish(_ packet: Packet, _ summary: Summary, for egress: Egress, queue: UInt16) -> Bool

  /// The time on the worker's clock, from zero at its start.
  func now() -> Instant

  /// A counter of the CPU's cycles; 0 where nobody accounts for them.
  func cycles() -> UInt64
}
