public import Primitives

/// A worker's way out by one port: a transmit queue of its own, and in front of it the packets that the queue has not
/// taken yet. They keep their order; what the queue refuses too often is dropped, never waited for.
@safe
public struct TransmitQueue: BitwiseCopyable {
  /// Room for one burst that the queue refused and one that just came.
  static let room = 2 * Journey.burst

  public let port: PortID
  public let queue: UInt16
  /// Packets and bytes the port's queue took, calls that it took something from, calls that left something behind.
  public private(set) var packets: UInt64 = 0
  public private(set) var bytes: UInt64 = 0
  public private(set) var bursts: UInt64 = 0
  public private(set) var retries: UInt64 = 0
  /// Packets dropped because the queue stayed full.
  public private(set) var dropped: UInt64 = 0
  /// Packets waiting here.
  public private(set) var held = 0
  private var heldBytes: UInt64 = 0

  private var attempts: UInt32 = 0
  private let attemptsAllowed: UInt32
  private let handles: UnsafeMutablePointer<UInt>
  private let lengths: UnsafeMutablePointer<UInt32>

  /// - Parameter attempts: how many calls in a row may leave something behind before all that waits is dropped.
  init(port: PortID, queue: UInt16, attempts: UInt32) {
    self.port = port
    self.queue = queue
    attemptsAllowed = max(1, attempts)
    unsafe handles = .allocate(capacity: Self.room)
    unsafe lengths = .allocate(capacity: Self.room)
  }

  /// Ends the queue, which must be empty.
  func deallocate() {
    precondition(held == 0, "packets left in a transmit queue")
    unsafe handles.deallocate()
    unsafe lengths.deallocate()
  }

  /// Puts packets behind those that wait. There is room for a burst after every `flush`.
  @inline(__always)
  mutating func append(_ packets: Span<Packet>) {
    precondition(held &+ packets.count <= Self.room)
    let (handles, lengths) = unsafe (handles + held, lengths + held)
    var sum: UInt64 = 0
    for i in packets.indices {
      unsafe handles[i] = packets[i].handle
      unsafe lengths[i] = packets[i].length
      sum &+= UInt64(packets[i].length)
    }
    held &+= packets.count
    heldBytes &+= sum
  }

  /// The same for one.
  mutating func append(_ packet: Packet) {
    precondition(held < Self.room)
    unsafe handles[held] = packet.handle
    unsafe lengths[held] = packet.length
    held += 1
    heldBytes += UInt64(packet.length)
  }

  /// Offers all that waits to the port. Packets that it refused too often, or that would leave no room for another
  /// burst, are dropped.
  @inline(__always)
  mutating func flush<IO: PacketIO & ~Copyable>(_ io: inout IO, _ tally: inout Tally) {
    guard held > 0 else { return }
    let taken = unsafe io.send(port: port, queue: queue, UnsafeMutableBufferPointer(start: handles, count: held))
    packets &+= UInt64(taken)
    bursts &+= taken > 0 ? 1 : 0
    if taken == held {
      bytes &+= heldBytes
      held = 0
      heldBytes = 0
      attempts = 0
    } else {
      keepRest(after: taken, &io, &tally)
    }
  }

  @inline(never)
  private mutating func keepRest<IO: PacketIO & ~Copyable>(after taken: Int, _ io: inout IO, _ tally: inout Tally) {
    retries &+= 1
    // A queue that takes some is alive: only a run of calls that moved nothing counts.
    attempts = taken > 0 ? 1 : attempts + 1
    let rest = held - taken
    let restBytes = length(of: taken..<held)
    bytes += heldBytes - restBytes
    heldBytes = restBytes
    unsafe handles.update(from: handles + taken, count: rest)
    unsafe lengths.update(from: lengths + taken, count: rest)
    held = rest
    if attempts >= attemptsAllowed {
      drop(from: 0, .txFull, &io, &tally)
    } else if held > Self.room - Journey.burst {
      drop(from: Self.room - Journey.burst, .txFull, &io, &tally)
    }
  }

  /// Bytes of the packets at those places.
  private func length(of places: Range<Int>) -> UInt64 { places.reduce(0) { unsafe $0 + UInt64(lengths[$1]) } }

  /// Drops what waits, from the given place on.
  mutating func drop<IO: PacketIO & ~Copyable>(
    from first: Int, _ reason: DropReason, _ io: inout IO, _ tally: inout Tally
  ) {
    guard held > first else { return }
    for i in first..<held { unsafe tally.count(reason, bytes: lengths[i]) }
    unsafe io.release(UnsafeMutableBufferPointer(start: handles + first, count: held - first))
    heldBytes -= length(of: first..<held)
    if reason == .txFull { dropped &+= UInt64(held - first) }
    held = first
    if first == 0 { attempts = 0 }
  }
}
