public import CSegment
public import CTables
public import Primitives
internal import Segment
public import Tables
public import Wire

/// What the short way through the tracker needs, taken out once a burst so that it stays at hand: where connections
/// are found, what time it is, which timeouts hold. Valid for the burst.
@safe
public struct FastPath: BitwiseCopyable {
  @usableFromInline let records: UnsafeMutablePointer<dpdkfwd_ct_record>
  @usableFromInline let extensions: UnsafeMutablePointer<dpdkfwd_ct_extension_record>
  @usableFromInline let counts: UnsafeMutablePointer<dpdkfwd_ct_shard_record>
  @usableFromInline let index: TupleIndex.View
  @usableFromInline let now: UInt32
  @usableFromInline let tick: UInt32
  @usableFromInline let standard: TrackingPolicy
  @usableFromInline let notes: UnsafeMutablePointer<EventLog.Notes>
  /// All zones share `standard`; else the short way is closed to TCP and UDP alike.
  public let isUniform: Bool
  @inlinable public var isAsymmetric: Bool { @inline(__always) get { standard.isAsymmetric } }

  @inlinable @inline(__always)
  init(
    records: UnsafeMutablePointer<dpdkfwd_ct_record>, extensions: UnsafeMutablePointer<dpdkfwd_ct_extension_record>,
    counts: UnsafeMutablePointer<dpdkfwd_ct_shard_record>, index: TupleIndex.View, now: UInt32, tick: UInt32,
    standard: TrackingPolicy, notes: UnsafeMutablePointer<EventLog.Notes>, isUniform: Bool
  ) {
    unsafe self.records = unsafe records
    unsafe self.extensions = unsafe extensions
    unsafe self.counts = unsafe counts
    self.index = index
    self.now = now
    self.tick = tick
    self.standard = standard
    unsafe self.notes = unsafe notes
    self.isUniform = isUniform
  }

  /// A connection, and the way the packet goes in it.
  @safe
  public struct Found: BitwiseCopyable {
    public let record: UnsafeMutablePointer<dpdkfwd_ct_record>
    public let direction: Direction

    @inlinable @inline(__always)
    init(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ direction: Direction) {
      unsafe self.record = unsafe record
      self.direction = direction
    }

    /// It is a flow in one of the named flow tables.
    @inlinable public var isOffloaded: Bool {
      @inline(__always) get { unsafe record.pointee.status & Status.offload != 0 }
    }
    /// That table's number.
    @inlinable public var flowTable: UInt8 { @inline(__always) get { unsafe record.pointee.flow_table & 15 } }
    /// It is such a flow, or has a timeout policy of its own: nothing but the tracker, or that table, may move its end.
    @inlinable public var isSpecial: Bool {
      @inline(__always) get { unsafe record.pointee.flow_table != 0 || isOffloaded }
    }
  }

  @inlinable @inline(__always)
  public func prefetchIndex(_ tuple: Tuple) { index.prefetch(tuple.hash) }

  /// Asks for the lines of the record that the tuple probably belongs to.
  @inlinable @inline(__always)
  public func prefetchRecord(_ tuple: Tuple) {
    guard let entry = index.candidate(tuple.hash) else { return }
    let record = unsafe UnsafeMutableRawPointer(records + Int(entry.slot))
    unsafe ctables_prefetch_for_write(record)
    if tuple.readsSecondLine { unsafe ctables_prefetch_for_write(record + 64) }
  }

  /// The connection that a tuple belongs to, if it is alive and has the same zone in both directions.
  ///
  /// - Parameter pair: the packet's IPv6 addresses; not looked at for IPv4.
  @inlinable @inline(__always)
  public func find(_ tuple: Tuple, _ pair: @autoclosure () -> IPv6Pair) -> Found? {
    let isFlipped = tuple.isFlipped
    let forth = tuple.words(isOriginal: true)
    let back = tuple.words(isOriginal: false)
    let entry = index.find(tuple.hash) { entry in
      let (addresses, rest) = entry.flag30 == isFlipped ? forth : back
      let words = unsafe UnsafeRawPointer(records + Int(entry.slot)).assumingMemoryBound(to: UInt64.self)
      return unsafe words[0] == addresses && words[1] & 0x0FFF_FFFF_FFFF_FFFF == rest
    }
    guard let entry else { return nil }
    let record = unsafe records + Int(entry.slot)
    let direction: Direction = entry.flag30 == isFlipped ? .original : .reply
    if tuple.isIPv6 {
      let pair = direction == .original ? pair() : pair().reversed
      // The addresses' extension is the first of an IPv6 connection.
      let extra = unsafe extensions + (Int(record.pointee.extension) &- 1)
      guard unsafe extra.pair == pair else { return nil }
    }
    guard unsafe Int32(bitPattern: record.pointee.deadline &- now) > 0 else { return nil }
    return unsafe Found(record, direction)
  }

  /// Does to a connection what a plain UDP or TCP packet does, if that needs no closer look: the same as
  /// `Tracker.judge`, in fewer steps; the caller counts it as found.
  ///
  /// - Parameters:
  ///   - transportOffset, end: where the transport header starts and the datagram ends.
  ///   - length: of the IP datagram, for the accounts.
  /// - Returns: `nil` when `judge` must decide; nothing has changed then.
  @inlinable @inline(__always)
  public func advance(
    _ found: Found, _ bytes: PacketBytes, _ transport: UInt8, at transportOffset: UInt16, end: UInt32, length: UInt64
  ) -> PacketState? {
    let record = unsafe found.record
    let status = unsafe record.pointee.status
    let isAnswered = status & Status.seenReply != 0
    // The first answer changes the status.
    guard isAnswered || found.direction == .original else { return nil }
    let isAssured = status & Status.assured != 0
    let timeout: UInt32
    if transport == IPProtocol.udp {
      let judgement = unsafe UDPTracker.follow(
        now: now, &record.udp.pointee, isLite: false, isAnswered: isAnswered, isAssured: isAssured)
      guard isAssured || !judgement.assures else { return nil }
      timeout = standard.timeouts[judgement.timeout]
    } else {
      let segment = unsafe TCPSegment(frame: bytes.span, at: transportOffset, end: end)
      let armed = unsafe TCPTracker.followPlain(
        segment, bytes.span, found.direction, tcp: &record.pointee.tcp, state: record.pointee.state,
        isAssured: isAssured, policy: standard)
      guard let armed else { return nil }
      timeout = standard.timeouts[armed]
    }
    unsafe record.account(found.direction, length: length)
    // Once a second at most.
    let deadline = tick &+ timeout
    if unsafe record.pointee.deadline != deadline { unsafe refresh(record, deadline) }
    return isAnswered ? .established : .new
  }

  @inlinable @inline(__always)
  public func slot(of found: Found) -> Int { unsafe found.record - records }

  /// Does what a packet does to a flow in a table: it stays there for longer, and is counted.
  @inlinable @inline(__always)
  @unsafe
  public func pass(
    _ found: Found, _ table: FlowTables.Entry, _ transport: UInt8, length: UInt64,
    counts: UnsafeMutablePointer<dpdkfwd_flowtable_record>
  ) {
    let record = unsafe found.record
    // Once a second at most.
    let deadline = tick &+ table.timeout(of: transport)
    if unsafe record.pointee.deadline != deadline { unsafe record.pointee.deadline = deadline }
    if table.hasCounter { unsafe record.account(found.direction, length: length) }
    unsafe counts.pointee.packets &+= 1
    unsafe counts.pointee.bytes &+= length
  }

  /// Moves the end of a connection, unless that is fixed. Not inline: what happens once a second must not cost the packets
  /// in between.
  @usableFromInline @inline(never)
  func refresh(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>, _ deadline: UInt32) {
    guard unsafe record.pointee.status & Status.fixedTimeout == 0 else { return }
    unsafe record.pointee.deadline = deadline
    unsafe counts.pointee.refreshes &+= 1
    if unsafe notes.pointee.notesRefreshes { unsafe notes.pointee.add(.timeout, record - records) }
  }
}

extension Tracker {
  /// For the burst in hand.
  @inlinable @inline(__always)
  public var fastPath: FastPath {
    unsafe FastPath(
      records: connections.records, extensions: connections.extensions, counts: connections.counts,
      index: connections.index.view, now: now, tick: tick, standard: policies.policies[0],
      notes: events.notes, isUniform: policies.areUniform)
  }
}
