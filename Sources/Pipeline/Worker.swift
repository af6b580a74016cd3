public import Primitives
internal import Reassembly

/// One worker: its receive queues, its transmit queues, its journey, its counters. Nobody else writes any of them.
///
/// It breathes: from each other worker's ring and from each of its receive queues in turn it takes a burst, decides it
/// and sends it. What it received or was handed is sent, held in a transmit queue, handed to another worker or dropped
/// for a reason, after every breath.
public struct Worker<IO: PacketIO & ~Copyable>: ~Copyable {
  public internal(set) var io: IO
  public internal(set) var journey: Journey
  /// Calls of `breathe`, and those that received something.
  public private(set) var breaths: UInt64 = 0
  public private(set) var busyBreaths: UInt64 = 0
  /// Cycles by stage, of busy breaths; and of breaths that received nothing.
  public private(set) var stageCycles = InlineArray<3, UInt64>(repeating: 0)
  public private(set) var idleCycles: UInt64 = 0
  /// Bursts by size: 0, 1, 2-3, 4-7, 8-15, 16-31, 32.
  public private(set) var burstSizes = InlineArray<8, UInt64>(repeating: 0)

  /// Fragments whose datagram left cut anew, and those that were sent in their place.
  public private(set) var cutFrom = Tally.Count()
  public private(set) var cutInto = Tally.Count()

  /// Packets of other workers' flows that their rings took, and those that came in by the rings to this one.
  public private(set) var handedOff = Tally.Count()
  public private(set) var handedIn = Tally.Count()

  private var receives: FixedArray<ReceiveQueue>
  private var transmits: FixedArray<TransmitQueue>
  private var packets: FixedArray<Packet>
  /// Handles on their way out of the worker: to the pool, or to another worker.
  private var leaving: FixedArray<UInt>
  /// The pieces of a datagram that is being cut anew.
  private var made: FixedArray<Packet>
  /// Workers that hand packets to this one, and what becomes of those by the port they came in by.
  private let sources: FixedArray<Int>
  private var crossings: FixedArray<Crossing>
  /// When the breath began.
  private(set) var now = Instant(nanoseconds: 0)
  /// What it is asked to do beside.
  var attention: Attention

  /// - Parameters:
  ///   - burst: most packets taken at once, 1...32.
  ///   - receive: the queues to take from; `egress` of each names where its packets leave.
  ///   - transmit: this worker's own queue on every port that an `egress` names.
  ///   - sources: the workers that may hand packets to this one.
  ///   - crossings: for each port whose packets they may hand over.
  ///   - mailbox: by which it is asked to do something; `nil`: it never is.
  public init(
    io: consuming IO, journey: consuming Journey, burst: Int, receive: [ReceiveQueue], transmit: [TransmitSetup],
    sources: [Int] = [], crossings: [Crossing] = [], mailbox: Mailbox? = nil
  ) {
    precondition((1...Journey.burst).contains(burst))
    self.io = io
    self.journey = journey
    receives = FixedArray(receive)
    transmits = FixedArray(
      transmit.map {
        TransmitQueue(port: $0.port, queue: $0.queue, attempts: $0.attempts, mostTogether: $0.mostTogether)
      })
    packets = unsafe FixedArray(
      repeating: Packet(handle: 0, bytes: Packet.nowhere, contiguous: 0, length: 0), count: burst)
    leaving = FixedArray(repeating: 0, count: burst)
    made = unsafe FixedArray(
      repeating: Packet(handle: 0, bytes: Packet.nowhere, contiguous: 0, length: 0),
      count: transmit.map(\.mostTogether).max() ?? 0)
    self.sources = FixedArray(sources)
    self.crossings = FixedArray(crossings)
    attention = Attention(mailbox)
  }

  deinit {
    for t in transmits.indices { transmits[t].deallocate() }
  }

  // MARK: Breath

  /// One round over all rings and queues; returns how many packets were received or handed in.
  public mutating func breathe() -> Int {
    var mark = io.cycles()
    let began = mark
    now = io.now()
    var received = 0
    var flushed: UInt64 = 0
    var stages = InlineArray<3, UInt64>(repeating: 0)
    for s in sources.indices { received += takeHandedOff(s, &mark, &stages) }
    for r in receives.indices {
      let count = receive(r)
      guard count > 0 else { continue }
      received += count
      lap(&mark, &stages[0])
      decide(r, count)
      lap(&mark, &stages[1])
      send(0, count, by: receives[r].crossing)
      flushed |= 1 &<< UInt64(truncatingIfNeeded: receives[r].crossing.transmit)
      lap(&mark, &stages[2])
    }
    // What waits is offered again with every breath, also while packets come only from elsewhere.
    for t in transmits.indices where flushed & 1 &<< UInt64(truncatingIfNeeded: t) == 0 {
      transmits[t].flush(&io, &journey.tally)
    }
    attend(isIdle: received == 0)
    // An idle breath has time for more, but a packet may come in it.
    journey.tick(at: now, most: received == 0 ? 128 : 64)
    if journey.fragments.deadCount > 0 { bury() }
    breaths &+= 1
    if received == 0 {
      idleCycles &+= io.cycles() &- began
    } else {
      busyBreaths &+= 1
      for s in 0..<3 { stageCycles[s] &+= stages[s] }
    }
    return received
  }

  @inline(__always)
  private func lap(_ mark: inout UInt64, _ stage: inout UInt64) {
    let now = io.cycles()
    stage &+= now &- mark
    mark = now
  }

  @inline(__always)
  private mutating func receive(_ r: Int) -> Int {
    let count = unsafe io.receive(port: receives[r].port, queue: receives[r].queue, into: packets.buffer)
    burstSizes[UInt.bitWidth - count.leadingZeroBitCount] &+= 1
    if count > 0 {
      // A span that borrows `packets` would hold on to all of `self`, which is about to change.
      let arrived = unsafe packets.buffer
      unsafe receives[r].count(Span(_unsafeStart: arrived.baseAddress!, count: count), full: count == arrived.count)
    }
    return count
  }

  @inline(__always)
  private mutating func decide(_ r: Int, _ count: Int) {
    let crossing = receives[r].crossing
    unsafe journey.decide(Span(_unsafeStart: packets.buffer.baseAddress!, count: count), by: crossing, at: now)
  }

  /// Sends and frees by the verdicts, in the order of arrival.
  ///
  /// - Parameter first: where among `packets` the burst begins that was decided last.
  @inline(__always)
  private mutating func send(_ first: Int, _ count: Int, by crossing: Crossing) {
    let t = Int(crossing.transmit)
    if journey.exceptions == 0 {
      unsafe transmits[t].append(Span(_unsafeStart: packets.buffer.baseAddress! + first, count: count))
    } else {
      sendSome(first, count, by: crossing)
    }
    if t >= 0 { transmits[t].flush(&io, &journey.tally) }
    if journey.handOffs != 0 { handOff(first, by: crossing) }
    if journey.fragments.deadCount > 0 { bury() }
  }

  /// The same when some are dropped, handed off, or must be finished first.
  @inline(never)
  private mutating func sendSome(_ first: Int, _ count: Int, by crossing: Crossing) {
    var leavingCount = 0
    for i in 0..<count {
      let packet = packets[first + i]
      guard journey.kept & 1 &<< UInt32(truncatingIfNeeded: i) == 0 else {
        emit(i, by: crossing)
        continue
      }
      switch journey.verdicts[i] {
      case .forward where finish(packet, i, by: crossing): transmits[Int(crossing.transmit)].append(packet)
      case .handOff: break
      case .forward, .drop, .hold:
        leaving[leavingCount] = packet.handle
        leavingCount += 1
      }
    }
    if leavingCount > 0 { release(from: 0, leavingCount) }
  }

  /// Has the port's side finish what the sender left open, if it left anything; a packet that cannot be is dropped.
  private mutating func finish(_ packet: Packet, _ i: Int, by crossing: Crossing) -> Bool {
    guard packet.marks.needsWork else { return true }
    let queue = transmits[Int(crossing.transmit)].queue
    if io.finish(packet, journey.summaries[i], for: crossing.egress, queue: queue) { return true }
    journey.drop(packet, i, .offloadUnsupported)
    return false
  }

  /// Gives packets at those places of `leaving` back.
  private mutating func release(from first: Int, _ count: Int) {
    unsafe io.release(UnsafeMutableBufferPointer(start: leaving.buffer.baseAddress! + first, count: count))
  }

  // MARK: Datagrams (see Worker+Datagrams)

  /// Whether so many packets can leave together; those that wait are offered first if need be.
  mutating func makeWay(for count: Int, by crossing: Crossing) -> Bool {
    let t = Int(crossing.transmit)
    if transmits[t].hasRoom(for: count) { return true }
    transmits[t].flush(&io, &journey.tally)
    return transmits[t].hasRoom(for: count)
  }

  mutating func append(_ handle: UInt, length: UInt32, follows: Bool, by crossing: Crossing) {
    transmits[Int(crossing.transmit)].append(handle, length: length, follows: follows)
  }

  /// How many pieces a datagram can be cut into.
  var madeRoom: Int { made.count }

  /// Makes the pieces of a cut; returns how many, fewer than there are when buffers ran out.
  mutating func makePieces(_ cut: inout DatagramCut, like handle: UInt) -> Int {
    for place in 0..<cut.count {
      let (header, payload) = unsafe cut.piece(place)
      guard let packet = unsafe io.make(header, payload, like: handle) else { return place }
      made[place] = packet
    }
    return cut.count
  }

  /// Releases the first pieces that were made. (What is to be released after the burst waits in `leaving`.)
  mutating func giveBack(made count: Int) {
    for place in 0..<count {
      var handle = made[place].handle
      unsafe withUnsafeMutablePointer(to: &handle) {
        unsafe io.release(UnsafeMutableBufferPointer(start: $0, count: 1))
      }
    }
  }

  /// Sends the pieces that were made, in place of so many fragments.
  mutating func appendMade(_ count: Int, from fragments: Int, _ bytes: UInt64, by crossing: Crossing) {
    for place in 0..<count {
      append(made[place].handle, length: made[place].length, follows: place > 0, by: crossing)
      cutInto.bytes &+= UInt64(made[place].length)
    }
    cutInto.packets &+= UInt64(count)
    cutFrom.packets &+= UInt64(fragments)
    cutFrom.bytes &+= bytes
  }

  /// Releases the packets of datagrams that ended.
  @inline(never)
  private mutating func bury() {
    let count = journey.fragments.deadCount
    guard count > 0 else { return }
    unsafe io.release(UnsafeMutableBufferPointer(start: journey.fragments.deadHandles, count: count))
    journey.fragments.buried()
  }

  // MARK: Handoff

  /// Hands the packets of other workers' flows over, in the order of arrival and a bulk to each owner; what a ring has
  /// no room for is dropped.
  @inline(never)
  private mutating func handOff(_ first: Int, by crossing: Crossing) {
    var pending = journey.handOffs
    while pending != 0 {
      let verdict = journey.verdicts[pending.trailingZeroBitCount]
      guard case .handOff(let owner) = verdict else { preconditionFailure("a packet is to be handed to nobody") }
      var theirs: UInt32 = 0
      for i in 0..<Journey.burst where pending & 1 &<< UInt32(i) != 0 && journey.verdicts[i] == verdict {
        theirs |= 1 &<< UInt32(i)
      }
      pending &= ~theirs
      // In their order: a datagram goes between the packets that came before and after it.
      var run: UInt32 = 0
      for i in 0..<Journey.burst where theirs & 1 &<< UInt32(i) != 0 {
        if journey.assembled & 1 &<< UInt32(i) == 0 {
          run |= 1 &<< UInt32(i)
        } else {
          handOff(run, first, to: owner, by: crossing)
          run = 0
          handOff(datagram: i, to: owner, by: crossing)
        }
      }
      handOff(run, first, to: owner, by: crossing)
    }
  }

  /// Hands over those packets of the burst, one bit each, that begins at `first` among `packets`.
  private mutating func handOff(_ those: UInt32, _ first: Int, to owner: UInt8, by crossing: Crossing) {
    guard those != 0 else { return }
    var count = 0
    for i in 0..<Journey.burst where those & 1 &<< UInt32(i) != 0 {
      leaving[count] = packets[first + i].handle
      count += 1
    }
    let taken = unsafe io.handOff(
      to: Int(owner), from: crossing.port, UnsafeMutableBufferPointer(start: leaving.buffer.baseAddress, count: count))
    var rest = those
    for place in 0..<count {
      let i = rest.trailingZeroBitCount
      rest &= rest &- 1
      if place < taken {
        handedOff.packets &+= 1
        handedOff.bytes &+= UInt64(packets[first + i].length)
      } else {
        journey.drop(packets[first + i], i, .handoffFull)
      }
    }
    if taken < count { release(from: taken, count - taken) }
  }

  /// Hands over the fragments of a datagram, one behind the other, if its owner's ring has room for all: there they are
  /// put together once more.
  private mutating func handOff(datagram i: Int, to owner: UInt8, by crossing: Crossing) {
    let slot = Int(journey.slots[i])
    guard io.handOffRoom(to: Int(owner)) >= journey.fragments.pieceCount(slot) else {
      return journey.dropDatagram(i, .handoffFull)
    }
    var link = journey.fragments.firstPiece(slot)
    var count = 0
    while link != 0 {
      leaving[count] = journey.fragments.packet(link).handle
      count += 1
      link = journey.fragments.piece(after: link)
      guard count == leaving.count || link == 0 else { continue }
      let taken = unsafe io.handOff(
        to: Int(owner), from: crossing.port,
        UnsafeMutableBufferPointer(start: leaving.buffer.baseAddress, count: count))
      precondition(taken == count, "a ring takes less than it said")
      count = 0
    }
    handedOff.packets &+= UInt64(journey.fragments.pieceCount(slot))
    handedOff.bytes &+= journey.fragments.frameBytes(slot)
    journey.fragments.finish(slot, as: .handedOff)
  }

  /// Takes a burst from another worker's ring, decides and sends it; returns how many packets.
  @inline(never)
  private mutating func takeHandedOff(_ s: Int, _ mark: inout UInt64, _ stages: inout InlineArray<3, UInt64>) -> Int {
    let count = receiveHandedOff(s)
    guard count > 0 else { return 0 }
    lap(&mark, &stages[0])
    // Runs of packets that came in by one port: none overtakes another.
    var first = 0
    while first < count {
      let port = io.ingress(packets[first].handle)
      var end = first + 1
      while end < count, io.ingress(packets[end].handle) == port { end += 1 }
      let crossing = crossing(from: port)
      unsafe journey.decideHandedOff(
        Span(_unsafeStart: packets.buffer.baseAddress! + first, count: end - first), by: crossing, at: now)
      lap(&mark, &stages[1])
      send(first, end - first, by: crossing)
      lap(&mark, &stages[2])
      first = end
    }
    return count
  }

  private mutating func receiveHandedOff(_ s: Int) -> Int {
    let count = unsafe io.receiveHandedOff(from: sources[s], into: packets.buffer)
    handedIn.packets &+= UInt64(count)
    for i in 0..<count { handedIn.bytes &+= UInt64(packets[i].length) }
    return count
  }

  private func crossing(from port: PortID) -> Crossing {
    for c in crossings.indices where crossings[c].port == port { return crossings[c] }
    preconditionFailure("a packet was handed over that came in by a port that it cannot cross from")
  }

  // MARK: Egress, end, figures

  /// Opens or closes the way out of what a port receives; the supervisor's word, taken between two breaths.
  public mutating func renew(_ egress: (PortID) -> Egress) {
    for r in receives.indices { receives[r].crossing.egress = egress(receives[r].port) }
    for c in crossings.indices { crossings[c].egress = egress(crossings[c].port) }
    journey.invalidateCache()
  }

  /// Ends the work: offers what is held a last bounded time, then drops it with `.shutdown`.
  public mutating func drain() {
    journey.purgeFragments(.shutdown)
    bury()
    for t in transmits.indices {
      for _ in 0..<64 where transmits[t].held > 0 { transmits[t].flush(&io, &journey.tally) }
      transmits[t].drop(from: 0, .shutdown, &io, &journey.tally)
    }
  }

  /// Takes what still lies in the receive queues and drops it with `.shutdown`, at most `bursts` bursts a queue: for
  /// ports that keep packets past their closing.
  public mutating func empty(port: PortID, bursts: Int) {
    for r in receives.indices where receives[r].port == port {
      for _ in 0..<bursts {
        let count = receive(r)
        guard count > 0 else { break }
        shutDown(count)
      }
    }
  }

  /// Takes what still lies in the rings to this worker and drops it with `.shutdown`, once all workers have ended.
  public mutating func emptyRings() {
    for s in sources.indices {
      while true {
        let count = receiveHandedOff(s)
        guard count > 0 else { break }
        shutDown(count)
      }
    }
  }

  private mutating func shutDown(_ count: Int) {
    for i in 0..<count {
      journey.tally.count(.shutdown, bytes: packets[i].length)
      leaving[i] = packets[i].handle
    }
    release(from: 0, count)
  }

  /// The tally has been copied out: what is touched from now on is new.
  public mutating func settled() { journey.settled() }

  /// Whether others may hand packets to this one.
  public var isHandedPackets: Bool { sources.count > 0 }

  public var receiveCount: Int { receives.count }
  public var transmitCount: Int { transmits.count }
  public func receiveQueue(_ r: Int) -> ReceiveQueue { receives[r] }
  public func transmitQueue(_ t: Int) -> TransmitQueue { transmits[t] }

  /// Packets that are neither sent nor dropped yet.
  public var held: Int {
    var sum = 0
    for t in transmits.indices { sum += transmits[t].held }
    return sum + journey.fragments.held
  }
}

/// One of a worker's receive queues, where its packets leave, and what came in by it.
public struct ReceiveQueue: BitwiseCopyable {
  public let queue: UInt16
  public internal(set) var crossing: Crossing
  public private(set) var packets: UInt64 = 0
  public private(set) var bytes: UInt64 = 0
  public private(set) var bursts: UInt64 = 0
  /// Bursts that were as large as can be: more was probably waiting.
  public private(set) var fullBursts: UInt64 = 0

  public init(queue: UInt16, crossing: Crossing) {
    self.queue = queue
    self.crossing = crossing
  }

  public var port: PortID { crossing.port }

  @inline(__always)
  mutating func count(_ arrived: Span<Packet>, full: Bool) {
    var sum: UInt64 = 0
    for i in arrived.indices { sum &+= UInt64(arrived[i].length) }
    bytes &+= sum
    packets &+= UInt64(arrived.count)
    bursts &+= 1
    fullBursts &+= full ? 1 : 0
  }
}

/// Which transmit queue a worker owns on a port, and how patient it is with it.
public struct TransmitSetup: Sendable {
  public var port: PortID
  public var queue: UInt16
  public var attempts: UInt32
  /// Fragments of a datagram that may leave together: as many as the port's queue holds.
  public var mostTogether: Int

  public init(port: PortID, queue: UInt16, attempts: UInt32, mostTogether: Int = 0) {
    self.port = port
    self.queue = queue
    self.attempts = attempts
    self.mostTogether = mostTogether
  }
}
