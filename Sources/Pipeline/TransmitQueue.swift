public import Primitives

/// A worker's way out by one port: a transmit queue of its own, and in front of it the packets that the queue has not
/// taken yet. They keep their order; what the queue refuses too often is dropped, never waited for. The fragments of a
/// datagram leave all or none: once the first of them has been taken, the others stay until they are too.
@safe
public struct TransmitQueue: BitwiseCopyable {
  /// Room for one burst that the queue refused and one that just came.
  static let room = 2 * Journey.burst
  /// The most fragments of a datagram that leave together: what the port's queue can hold at once; 0: none do.
  public let mostTogether: Int
  /// Room for all that may wait.
  private let capacity: Int

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
  /// Whether a packet goes with the one in front of it, and how many do; beyond `held` none does.
  private let follows: UnsafeMutablePointer<Bool>
  private var followers = 0

  /// - Parameters:
  ///   - attempts: how many calls in a row may leave something behind before all that waits is dropped.
  ///   - mostTogether: see there.
  init(port: PortID, queue: UInt16, attempts: UInt32, mostTogether: Int) {
    self.port = port
    self.queue = queue
    attemptsAllowed = max(1, attempts)
    self.mostTogether = mostTogether
    capacity = Self.room + mostTogether
    unsafe handles = .allocate(capacity: capacity)
    unsafe lengths = .allocate(capacity: capacity)
    unsafe follows = .allocate(capacity: capacity)
    unsafe follows.initialize(repeating: false, count: capacity)
  }

  /// Ends the queue, which must be empty.
  func deallocate() {
    precondition(held == 0, "packets left in a transmit queue")
    unsafe handles.deallocate()
    unsafe lengths.deallocate()
    unsafe follows.deallocate()
  }

  /// Puts packets behind those that wait. There is room for a burst after every `flush`.
  @inline(__always)
  mutating func append(_ packets: Span<Packet>) {
    precondition(held &+ packets.count <= capacity)
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
    append(packet.handle, length: packet.length, follows: false)
  }

  /// The same for one of several that leave together.
  ///
  /// - Parameter follows: it goes with the one in front of it.
  mutating func append(_ handle: UInt, length: UInt32, follows isFollower: Bool) {
    precondition(held < capacity)
    unsafe handles[held] = handle
    unsafe lengths[held] = length
    if isFollower {
      unsafe follows[held] = true
      followers += 1
    }
    held += 1
    heldBytes += UInt64(length)
  }

  /// Whether there is room for so many that leave together, and for a burst behind them.
  func hasRoom(for count: Int) -> Bool { count <= mostTogether && held + count <= capacity - Journey.burst }

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
      if followers > 0 { forgetFollowers(from: 0) }
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
    if followers > 0 { moveFollowers(by: taken) }
    held = rest
    if attempts >= attemptsAllowed {
      drop(from: beginning(at: 0), .txFull, &io, &tally)
    } else if held > Self.room - Journey.burst {
      drop(from: beginning(at: Self.room - Journey.burst), .txFull, &io, &tally)
    }
  }

  /// The first place from the given one on whose packet goes with none in front of it.
  private func beginning(at place: Int) -> Int {
    var place = place
    while place < held, unsafe follows[place] { place += 1 }
    return place
  }

  private mutating func moveFollowers(by taken: Int) {
    unsafe follows.update(from: follows + taken, count: held - taken)
    unsafe (follows + (held - taken)).update(repeating: false, count: taken)
    followers = (0..<held - taken).count { unsafe follows[$0] }
  }

  private mutating func forgetFollowers(from first: Int) {
    unsafe (follows + first).update(repeating: false, count: held - first)
    followers = (0..<first).count { unsafe follows[$0] }
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
    if followers > 0 { forgetFollowers(from: first) }
    if reason == .txFull { dropped &+= UInt64(held - first) }
    held = first
    if first == 0 { attempts = 0 }
  }
}
