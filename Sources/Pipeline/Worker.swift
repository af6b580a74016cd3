public import Primitives

/// One worker: its receive queues, its transmit queues, its journey, its counters. Nobody else writes any of them.
///
/// It breathes: from each of its receive queues in turn it takes a burst, decides it and sends it. What it received is
/// sent, held in a transmit queue or dropped for a reason, after every breath.
public struct Worker<IO: PacketIO & ~Copyable>: ~Copyable {
  public private(set) var io: IO
  public private(set) var journey: Journey
  /// Calls of `breathe`, and those that received something.
  public private(set) var breaths: UInt64 = 0
  public private(set) var busyBreaths: UInt64 = 0
  /// Cycles by stage, of busy breaths; and of breaths that received nothing.
  public private(set) var stageCycles = InlineArray<3, UInt64>(repeating: 0)
  public private(set) var idleCycles: UInt64 = 0
  /// Bursts by size: 0, 1, 2-3, 4-7, 8-15, 16-31, 32.
  public private(set) var burstSizes = InlineArray<8, UInt64>(repeating: 0)

  private var receives: FixedArray<ReceiveQueue>
  private var transmits: FixedArray<TransmitQueue>
  private var packets: FixedArray<Packet>
  private var doomed: FixedArray<UInt>
  /// When the breath began.
  private var now = Instant(nanoseconds: 0)

  /// - Parameters:
  ///   - burst: most packets taken at once, 1...32.
  ///   - receive: the queues to take from; `egress` of each names where its packets leave.
  ///   - transmit: this worker's own queue on every port that an `egress` names.
  public init(
    io: consuming IO, journey: consuming Journey, burst: Int, receive: [ReceiveQueue], transmit: [TransmitSetup]
  ) {
    precondition((1...Journey.burst).contains(burst))
    self.io = io
    self.journey = journey
    receives = FixedArray(receive)
    transmits = FixedArray(
      transmit.map { TransmitQueue(port: $0.port, queue: $0.queue, attempts: $0.attempts) })
    packets = unsafe FixedArray(
      repeating: Packet(handle: 0, bytes: Packet.nowhere, contiguous: 0, length: 0), count: burst)
    doomed = FixedArray(repeating: 0, count: burst)
  }

  deinit {
    for t in transmits.indices { transmits[t].deallocate() }
  }

  // MARK: Breath

  /// One round over all queues; returns how many packets were received.
  public mutating func breathe() -> Int {
    var mark = io.cycles()
    let began = mark
    now = io.now()
    var received = 0
    var flushed: UInt64 = 0
    var stages = InlineArray<3, UInt64>(repeating: 0)
    for r in receives.indices {
      let count = receive(r)
      guard count > 0 else { continue }
      received += count
      lap(&mark, &stages[0])
      decide(r, count)
      lap(&mark, &stages[1])
      send(r, count)
      flushed |= 1 &<< UInt64(truncatingIfNeeded: receives[r].transmit)
      lap(&mark, &stages[2])
    }
    // What waits is offered again with every breath, also while packets come only from elsewhere.
    for t in transmits.indices where flushed & 1 &<< UInt64(truncatingIfNeeded: t) == 0 {
      transmits[t].flush(&io, &journey.tally)
    }
    // An idle breath has time for more.
    journey.tick(at: now, most: received == 0 ? 1024 : 64)
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
    let (ingress, egress) = (receives[r].port, receives[r].egress)
    unsafe journey.decide(
      Span(_unsafeStart: packets.buffer.baseAddress!, count: count), from: ingress, to: egress, at: now)
  }

  /// Sends and frees by the verdicts, in the order of arrival.
  @inline(__always)
  private mutating func send(_ r: Int, _ count: Int) {
    let t = Int(receives[r].transmit)
    if journey.exceptions == 0 {
      unsafe transmits[t].append(Span(_unsafeStart: packets.buffer.baseAddress!, count: count))
    } else {
      sendSome(r, count)
    }
    if t >= 0 { transmits[t].flush(&io, &journey.tally) }
  }

  /// The same when some are dropped, or must be finished first.
  @inline(never)
  private mutating func sendSome(_ r: Int, _ count: Int) {
    var doomedCount = 0
    for i in 0..<count {
      let packet = packets[i]
      if case .forward = journey.verdicts[i], finish(packet, i, r) {
        transmits[Int(receives[r].transmit)].append(packet)
      } else {
        doomed[doomedCount] = packet.handle
        doomedCount += 1
      }
    }
    if doomedCount > 0 { release(doomedCount) }
  }

  /// Has the port's side finish what the sender left open, if it left anything; a packet that cannot be is dropped.
  private mutating func finish(_ packet: Packet, _ i: Int, _ r: Int) -> Bool {
    guard packet.marks.needsWork else { return true }
    let queue = transmits[Int(receives[r].transmit)].queue
    if io.finish(packet, journey.summaries[i], for: receives[r].egress, queue: queue) { return true }
    journey.drop(packet, i, .offloadUnsupported)
    return false
  }

  /// Gives the first packets of `doomed` back.
  private mutating func release(_ count: Int) {
    unsafe io.release(UnsafeMutableBufferPointer(start: doomed.buffer.baseAddress, count: count))
  }

  // MARK: Egress, end, figures

  /// Opens or closes the way out of what a port receives; the supervisor's word, taken between two breaths.
  public mutating func renew(_ egress: (PortID) -> Egress) {
    for r in receives.indices { receives[r].egress = egress(receives[r].port) }
    journey.invalidateCache()
  }

  /// Ends the work: offers what is held a last bounded time, then drops it with `.shutdown`.
  public mutating func drain() {
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
        for i in 0..<count {
          journey.tally.count(.shutdown, bytes: packets[i].length)
          doomed[i] = packets[i].handle
        }
        release(count)
      }
    }
  }

  /// The tally has been copied out: what is touched from now on is new.
  public mutating func settled() { journey.settled() }

  public var receiveCount: Int { receives.count }
  public var transmitCount: Int { transmits.count }
  public func receiveQueue(_ r: Int) -> ReceiveQueue { receives[r] }
  public func transmitQueue(_ t: Int) -> TransmitQueue { transmits[t] }

  /// Packets that are neither sent nor dropped yet.
  public var held: Int {
    var sum = 0
    for t in transmits.indices { sum += transmits[t].held }
    return sum
  }
}

/// One of a worker's receive queues, where its packets leave, and what came in by it.
public struct ReceiveQueue: BitwiseCopyable {
  public let port: PortID
  public let queue: UInt16
  public internal(set) var egress: Egress
  /// The place among the worker's transmit queues; -1 when the port belongs to no pair.
  let transmit: Int16
  public private(set) var packets: UInt64 = 0
  public private(set) var bytes: UInt64 = 0
  public private(set) var bursts: UInt64 = 0
  /// Bursts that were as large as can be: more was probably waiting.
  public private(set) var fullBursts: UInt64 = 0

  public init(port: PortID, queue: UInt16, egress: Egress, transmit: Int) {
    self.port = port
    self.queue = queue
    self.egress = egress
    self.transmit = Int16(transmit)
  }

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

  public init(port: PortID, queue: UInt16, attempts: UInt32) {
    self.port = port
    self.queue = queue
    self.attempts = attempts
  }
}
