// Reassembly: fragments wait here until their datagram is whole. Every worker owns a table of its own, one for both IP
// versions: a record for each datagram and one for each fragment in arenas of the segment, an index over what tells
// datagrams apart, and beside the arenas, where no reader sees them, the packets themselves. Those are held, not copied,
// and opaque here. A datagram begins with the first of its fragments to come, is handed back when no byte is missing and
// none came twice, and ends otherwise by a fragment that contradicts another, by its time, or to make room for newer
// ones. What it ends with is counted, and its packets lie among the `dead` until their owner has released them.
public import CSegment
public import Primitives
public import Segment
internal import Tables
public import Wire

/// What became of a fragment.
public enum TakenFragment: BitwiseCopyable, Equatable, Sendable {
  /// It is the table's now; where it ended its datagram, it is dead with it.
  case held
  /// It was not taken, for a reason that is counted; it is still the caller's. Its datagram may have ended by it.
  case refused(FragmentEvent)
  /// It is the table's, and with it the datagram is whole: `finish` or `release` ends it.
  case complete(slot: Int)
}

/// A worker's fragment table.
@safe
public struct Reassembly: ~Copyable {
  let datagrams: UnsafeMutablePointer<dpdkfwd_frag_record>
  let pieces: UnsafeMutablePointer<dpdkfwd_frag_piece_record>
  /// The packets, by the numbers of their pieces.
  let packets: FixedArray<HeldFragment>
  /// What the first fragment says, by the numbers of the datagrams.
  var firsts: FixedArray<Summary>
  /// What each datagram is found by: no reader of the segment learns it.
  var hashes: FixedArray<UInt64>
  private var tags: FixedArray<UInt8>
  var directory: PieceDirectory
  var index: TupleIndex
  private let indexMemory: UnsafeMutableRawPointer
  private let ownMemory: UnsafeMutableRawPointer?
  public let secret: HashSecret

  /// Records there are; limits can be set up to these.
  public let datagramCapacity: Int
  public let pieceCapacity: Int
  public private(set) var settings: FragmentSettings
  /// How full the table is and how it is set: for the worker alone, copied out once a breath.
  public let counts: UnsafeMutablePointer<dpdkfwd_frag_shard_record>

  /// By family and event, IPv4's first.
  var events: FixedArray<UInt64>
  var datagramEvents: FixedArray<UInt64>
  /// Something was counted since `settled` was last called.
  public internal(set) var isTouched = false

  /// Packets of datagrams that ended, to be released by their owner.
  var dead: FixedArray<UInt>
  public internal(set) var deadCount = 0
  /// What was discarded with them, by event, and which of it since it was last asked for.
  var discards: FixedArray<Discard>
  public internal(set) var discarded: UInt32 = 0

  /// Where it tells of datagrams that were given up, while somebody wants to know.
  var ends: RingWriter<dpdkfwd_frag_event_record>?
  public var tellsEnds = false
  /// Nanoseconds since 1970, for what is told; its caller moves it on.
  public var moment: UInt64 = 0
  public var endsTold: UInt64 { ends?.written ?? 0 }

  var ages: Ages
  /// Buffers that fragments of each source lie in; sources that share a bucket, by a hash nobody else can compute, share
  /// the count.
  var sources: FixedArray<UInt32>
  /// A limit's high watermark was reached, and its low one not yet again.
  var isPressed = false
  var high: Watermark
  var low: Watermark
  private var firstSwept = 0
  /// One bit for each family whose datagrams end, by and by, because it was switched off.
  private var ending: UInt8 = 0
  private(set) var freeDatagram: UInt32 = 0
  private(set) var freePiece: UInt32 = 0
  private(set) var usedDatagrams = 0
  private(set) var usedPieces = 0
  private var generation: UInt32 = 0

  /// Packets and bytes of frames that were discarded under one heading.
  public struct Discard: BitwiseCopyable, Equatable, Sendable {
    public var packets: UInt64 = 0
    public var bytes: UInt64 = 0
  }

  /// - Parameters:
  ///   - datagrams, pieces: zeroed arenas that outlive the table.
  ///   - settings: within the capacities.
  ///   - ends: where it tells of datagrams that were given up.
  @unsafe
  public init(
    datagrams: UnsafeMutablePointer<dpdkfwd_frag_record>, datagramCapacity: Int,
    pieces: UnsafeMutablePointer<dpdkfwd_frag_piece_record>, pieceCapacity: Int, settings: FragmentSettings,
    ends: RingWriter<dpdkfwd_frag_event_record>? = nil, secret: HashSecret
  ) {
    unsafe self.init(datagrams, datagramCapacity, pieces, pieceCapacity, settings, secret, owning: nil)
    self.ends = ends
  }

  /// The same on memory of its own, with room for what the settings allow.
  public init(settings: FragmentSettings, secret: HashSecret) {
    let recordBytes = settings.datagrams * MemoryLayout<dpdkfwd_frag_record>.stride
    let bytes = recordBytes + settings.fragments * MemoryLayout<dpdkfwd_frag_piece_record>.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    unsafe self.init(
      memory.assumingMemoryBound(to: dpdkfwd_frag_record.self), settings.datagrams,
      (memory + recordBytes).assumingMemoryBound(to: dpdkfwd_frag_piece_record.self), settings.fragments, settings,
      secret, owning: memory)
  }

  private init(
    _ datagrams: UnsafeMutablePointer<dpdkfwd_frag_record>, _ datagramCapacity: Int,
    _ pieces: UnsafeMutablePointer<dpdkfwd_frag_piece_record>, _ pieceCapacity: Int, _ settings: FragmentSettings,
    _ secret: HashSecret, owning memory: UnsafeMutableRawPointer?
  ) {
    precondition(datagramCapacity > 0 && pieceCapacity > 0)
    unsafe (self.datagrams, self.pieces) = unsafe (datagrams, pieces)
    ages = unsafe Ages(datagrams)
    unsafe ownMemory = memory
    self.datagramCapacity = datagramCapacity
    self.pieceCapacity = pieceCapacity
    self.secret = secret
    packets = FixedArray(repeating: .none, count: pieceCapacity)
    firsts = FixedArray(repeating: Summary(), count: datagramCapacity)
    hashes = FixedArray(repeating: 0, count: datagramCapacity)
    tags = FixedArray(repeating: 0, count: datagramCapacity)
    directory = PieceDirectory(datagrams: datagramCapacity)
    events = FixedArray(repeating: 0, count: 2 * FragmentEvent.slots)
    datagramEvents = FixedArray(repeating: 0, count: 2 * DatagramEvent.slots)
    discards = FixedArray(repeating: Discard(), count: FragmentEvent.slots)
    let bytes = TupleIndex.bytes(capacity: datagramCapacity)
    unsafe indexMemory = .allocate(byteCount: bytes, alignment: 64)
    unsafe indexMemory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    index = unsafe TupleIndex(memory: indexMemory, capacity: datagramCapacity)
    // A burst can end what is held, and hold as much again, before anything is released.
    dead = FixedArray(repeating: 0, count: 2 * pieceCapacity + 64)
    sources = FixedArray(repeating: 0, count: SourceShare.buckets(datagrams: datagramCapacity))
    unsafe counts = .allocate(capacity: 1)
    unsafe counts.initialize(to: dpdkfwd_frag_shard_record())
    self.settings = settings
    (high, low) = (Watermark(settings.high, of: settings), Watermark(settings.low, of: settings))
    set(settings)
  }

  /// One that takes no fragment.
  public static func off() -> Reassembly {
    var settings = FragmentSettings(fragments: 1)
    (settings.ipv4.isOn, settings.ipv6.isOn) = (false, false)
    return Reassembly(settings: settings, secret: HashSecret(seed: 0))
  }

  deinit {
    unsafe indexMemory.deallocate()
    unsafe counts.deallocate()
    unsafe ownMemory?.deallocate()
  }

  /// Packets that the table has, the dead not among them.
  public var held: Int { unsafe Int(counts.pointee.fragments) }

  // MARK: Settings

  /// Changes what holds from now on; limits end at the table's capacities. Datagrams get the new timeout, in the making
  /// or discarded. Those of a family that is switched off end by and by, as do the oldest where more is held than may be.
  /// O(1), or O(datagrams) when a timeout changes.
  public mutating func set(_ settings: FragmentSettings) {
    let before = self.settings
    self.settings = settings.within(datagrams: datagramCapacity, fragments: pieceCapacity)
    unsafe counts.pointee.describe(self.settings)
    (high, low) = (Watermark(self.settings.high, of: self.settings), Watermark(self.settings.low, of: self.settings))
    for family in 0..<2 {
      let bit = UInt8(1) << UInt8(family)
      ending = self.settings[family].isOn ? ending & ~bit : ending | bit
      let longer = self.settings[family].timeout &- before[family].timeout
      guard longer != 0 else { continue }
      let records = unsafe datagrams
      for list in [Ages.waiting(family), Ages.discarded(family)] {
        ages.forEach(in: list) { slot in unsafe records[slot].deadline &+= longer }
      }
    }
    if isAbove(high) { isPressed = true }
    isTouched = true
  }

  /// Whether fragments of that IP version are put together.
  @inline(__always)
  public func isOn(ipv6: Bool) -> Bool { ipv6 ? settings.ipv6.isOn : settings.ipv4.isOn }

  // MARK: Take

  /// What the length field of an IP header can say: of IPv4 with the header, of IPv6 without.
  private static let longest: UInt32 = 65_535

  /// Takes a fragment, or says why not.
  ///
  /// - Parameters:
  ///   - summary: of its frame; kept if it is the first of its datagram.
  ///   - now: milliseconds on the worker's clock.
  /// - Complexity: O(1) for fragments in order or in reverse; otherwise as many steps as there are fragments within
  ///   1024 bytes, at most 128.
  @inline(__always)
  public mutating func take(_ arrival: borrowing FragmentArrival, _ summary: Summary, now: UInt32) -> TakenFragment {
    let family = arrival.key.family
    if let fault = fault(of: arrival, family) { return refuse(fault, family) }
    var known = find(arrival.key)
    if let slot = known, isOver(slot, now) {
      end(slot, .expired)
      known = nil
    }
    guard let slot = known else { return begin(arrival, summary, now) }
    return go(on: slot, arrival, summary, now)
  }

  /// What is wrong with a fragment, whatever else there is of its datagram.
  @inline(__always)
  private func fault(of arrival: borrowing FragmentArrival, _ family: Int) -> FragmentEvent? {
    if let fault = arrival.headerFault { return fault }
    if arrival.more {
      if arrival.length & 7 != 0 { return .misaligned }
      if arrival.packetLength < settings[family].smallest { return .tooSmall }
    }
    return arrival.overhead &+ arrival.end > Self.longest ? .oversize : nil
  }

  /// The first fragment to come of a datagram.
  @inline(__always)
  private mutating func begin(_ arrival: borrowing FragmentArrival, _ summary: Summary, _ now: UInt32) -> TakenFragment
  {
    let family = arrival.key.family
    // Without data it would end any datagram, the one to come too.
    let isEmpty = arrival.length == 0
    let bucket = SourceShare.bucket(of: arrival.key, secret, count: sources.count)
    if !isEmpty {
      guard makeShare(for: arrival, bucket, besides: -1) else { return refuse(.sourceShare, family) }
      guard makeRoom(for: arrival, besides: -1) else { return refuse(.noRoom, family) }
    }
    guard let slot = takeDatagram() else { return refuse(.noRoom, family) }
    guard index.insert(arrival.key.hash, IndexEntry(slot: UInt32(slot))) else {
      preconditionFailure("the index is full")
    }
    let record = unsafe datagrams + slot
    unsafe record.begin(arrival.key, now: now, timeout: settings[family].timeout, bucket: UInt32(bucket))
    (hashes[slot], tags[slot]) = (arrival.key.hash, arrival.key.tags)
    ages.append(slot, to: Ages.waiting(family))
    generation = generation == .max ? 1 : generation &+ 1
    unsafe segment_store_release(&record.pointee.generation, generation)
    count(DatagramEvent.started, family)
    unsafe counts.pointee.datagrams &+= 1
    unsafe counts.pointee.datagrams_max = max(counts.pointee.datagrams_max, counts.pointee.datagrams)
    if isEmpty { return discard(slot, .empty, now) }
    return put(slot, arrival, summary, behind: 0, now)
  }

  /// Another fragment of a datagram.
  @inline(__always)
  private mutating func go(
    on slot: Int, _ arrival: borrowing FragmentArrival, _ summary: Summary, _ now: UInt32
  ) -> TakenFragment {
    let family = arrival.key.family
    let record = unsafe datagrams + slot
    if unsafe record.pointee.flags & DPDKFWD_FRAG_DISCARDED != 0 { return refuse(.straggler, family) }
    if arrival.length == 0 { return discard(slot, .empty, now) }
    let place: UInt32
    switch unsafe search(slot, record, arrival) {
    case .behind(let piece): place = piece
    case .duplicate: return refuse(.duplicate, family)
    case .conflict(let event): return discard(slot, event, now)
    }
    guard unsafe record.pointee.fragments < settings.perDatagram else { return discard(slot, .tooMany, now) }
    let bucket = unsafe Int(record.pointee.source_bucket)
    guard makeShare(for: arrival, bucket, besides: slot) else { return refuse(.sourceShare, family) }
    guard makeRoom(for: arrival, besides: slot) else { return refuse(.noRoom, family) }
    return put(slot, arrival, summary, behind: place, now)
  }

  /// Puts a fragment into its datagram, behind another piece of it, by number + 1; 0: in front.
  @inline(__always)
  private mutating func put(
    _ slot: Int, _ arrival: borrowing FragmentArrival, _ summary: Summary, behind place: UInt32, _ now: UInt32
  ) -> TakenFragment {
    let record = unsafe datagrams + slot
    let number = takePiece()
    unsafe packets.buffer[number] = arrival.packet
    let piece = unsafe pieces + number
    unsafe piece.pointee = dpdkfwd_frag_piece_record(
      owner: 0, next: place == 0 ? record.pointee.first : pieces[Int(place) - 1].next,
      offset: UInt16(truncatingIfNeeded: arrival.offset), length: UInt16(truncatingIfNeeded: arrival.length),
      mbufs: arrival.mbufs, more: arrival.more ? 1 : 0, reserved: 0)
    unsafe segment_store_release(&piece.pointee.owner, record.pointee.generation)
    let link = UInt32(number &+ 1)
    if place == 0 { unsafe record.pointee.first = link } else { unsafe pieces[Int(place) - 1].next = link }
    if unsafe record.pointee.last == place { unsafe record.pointee.last = link }
    unsafe record.add(arrival)
    unsafe note(slot, piece, link)
    if arrival.offset == 0 { firsts[slot] = summary }
    take(account: arrival, bucket: unsafe Int(record.pointee.source_bucket))
    count(FragmentEvent.accepted, arrival.key.family)
    guard unsafe record.pointee.covered == record.pointee.end else { return .held }
    return complete(slot, arrival.key.family, now)
  }

  /// Every byte is there. The datagram is found no more: what comes under its key begins another one.
  @inline(__always)
  private mutating func complete(_ slot: Int, _ family: Int, _ now: UInt32) -> TakenFragment {
    let record = unsafe datagrams + slot
    guard unsafe ECN.combined(record.pointee.ecn) != nil else { return discard(slot, .ecn, now, refuses: false) }
    // Its headers are the first fragment's, who may have options that the last one has not.
    let overhead = unsafe packets[Int(record.pointee.first) - 1].overhead(family)
    guard unsafe overhead &+ record.pointee.end <= Self.longest else {
      return discard(slot, .oversize, now, refuses: false)
    }
    unsafe record.pointee.flags |= DPDKFWD_FRAG_COMPLETE
    ages.remove(slot, from: unsafe record.ageList)
    unindex(slot)
    return .complete(slot: slot)
  }

  // MARK: Ends

  /// The datagram that was complete is on its way: its packets are no longer the table's.
  public mutating func finish(_ slot: Int, as event: DatagramEvent = .completed) {
    let family = unsafe (datagrams + slot).family
    count(event, family)
    count(event == .handedOff ? .handedOff : .completed, family, unsafe UInt64(datagrams[slot].fragments))
    free(slot, keepingPackets: true)
  }

  /// Other packets left in the place of the datagram that was complete: its own are dead.
  public mutating func bury(finished slot: Int) {
    let family = unsafe (datagrams + slot).family
    count(DatagramEvent.cut, family)
    count(DatagramEvent.completed, family)
    count(FragmentEvent.completed, family, unsafe UInt64(datagrams[slot].fragments))
    free(slot, keepingPackets: false)
  }

  /// The datagram that was complete goes nowhere: its packets are dead. The caller counts why.
  public mutating func release(_ slot: Int) {
    let family = unsafe (datagrams + slot).family
    count(DatagramEvent.refused, family)
    count(FragmentEvent.refused, family, unsafe UInt64(datagrams[slot].fragments))
    free(slot, keepingPackets: false)
  }

  /// Ends datagrams whose time is over, and the oldest ones while a limit is near: at most `most` datagrams.
  @inline(__always)
  public mutating func tick(now: UInt32, most: Int) {
    if unsafe counts.pointee.datagrams == 0 { return }
    sweep(now: now, most: most)
  }

  @inline(never)
  private mutating func sweep(now: UInt32, most: Int) {
    var rest = most
    // Each list is first in its turn: much that is over in one must not keep another one waiting.
    firstSwept = (firstSwept &+ 1) & (Ages.lists &- 1)
    for turn in 0..<Ages.lists {
      let list = (firstSwept &+ turn) & (Ages.lists &- 1)
      while rest > 0, let slot = ages.oldest(in: list), isOver(slot, now) {
        end(slot, .expired)
        rest -= 1
      }
    }
    for family in 0..<2 where ending & 1 << UInt8(family) != 0 {
      while rest > 0, let slot = ages.oldest(in: Ages.waiting(family)) ?? ages.oldest(in: Ages.discarded(family)) {
        end(slot, .purged)
        rest -= 1
      }
    }
    while isPressed, rest > 0 {
      guard isAbove(low), let victim = ages.oldestWaiting(besides: -1) else { return isPressed = false }
      end(victim, .evicted)
      rest -= 1
    }
  }

  /// Ends all datagrams of a family.
  public mutating func purge(_ family: Int) {
    for list in [Ages.waiting(family), Ages.discarded(family)] {
      while let slot = ages.oldest(in: list) { end(slot, .purged) }
    }
  }

  /// Packets that lie dead, by place.
  public func dead(_ place: Int) -> UInt { dead[place] }
  /// Their memory, from the first.
  @unsafe public var deadHandles: UnsafeMutablePointer<UInt> { unsafe dead.buffer.baseAddress! }
  /// The dead have been released.
  public mutating func buried() { deadCount = 0 }
  /// What has been discarded under an event since `accounted` was last called.
  public func discards(_ event: FragmentEvent) -> Discard { discards[Int(event.rawValue)] }
  public mutating func accounted() {
    while discarded != 0 {
      discards[discarded.trailingZeroBitCount] = Discard()
      discarded &= discarded &- 1
    }
  }

  /// Discards a datagram for a fragment that contradicts it, and remembers it so that stragglers cannot begin it anew.
  ///
  /// - Parameter refuses: the fragment is not the table's, and refused.
  @inline(never)
  private mutating func discard(
    _ slot: Int, _ event: FragmentEvent, _ now: UInt32, refuses: Bool = true
  ) -> TakenFragment {
    let record = unsafe datagrams + slot
    let family = unsafe record.family
    note(event, slot)
    empty(slot, keepingPackets: false)
    unsafe record.forget()
    ages.remove(slot, from: unsafe record.ageList)
    unsafe record.pointee.flags |= DPDKFWD_FRAG_DISCARDED
    unsafe record.pointee.deadline = now &+ settings[family].timeout
    ages.append(slot, to: Ages.discarded(family))
    unsafe counts.pointee.discarded &+= 1
    return refuses ? refuse(event, family) : .held
  }

  /// Ends a datagram and leaves nothing of it.
  mutating func end(_ slot: Int, _ event: FragmentEvent) {
    let record = unsafe datagrams + slot
    if unsafe record.pointee.flags & DPDKFWD_FRAG_DISCARDED == 0 { note(event, slot) }
    ages.remove(slot, from: unsafe record.ageList)
    unindex(slot)
    free(slot, keepingPackets: false)
  }

  /// Counts a datagram that ends with what it has, and its packets as discarded.
  private mutating func note(_ event: FragmentEvent, _ slot: Int) {
    let record = unsafe datagrams + slot
    let family = unsafe record.family
    count(DatagramEvent(event), family)
    let fragments = unsafe UInt64(record.pointee.fragments)
    guard fragments > 0 else { return }
    if tellsEnds { tell(event, slot) }
    count(event, family, fragments)
    let place = Int(event.rawValue)
    discards[place].packets &+= fragments
    discards[place].bytes &+= unsafe UInt64(record.pointee.bytes)
    discarded |= 1 &<< UInt32(event.rawValue)
  }

  /// Writes about a datagram that is given up.
  @inline(never)
  private mutating func tell(_ event: FragmentEvent, _ slot: Int) {
    guard let entry = unsafe ends?.begin() else { return }
    let record = unsafe datagrams[slot]
    unsafe entry.pointee.at = moment
    unsafe entry.pointee.source = record.source
    unsafe entry.pointee.destination = record.destination
    unsafe entry.pointee.identification = record.identification
    unsafe entry.pointee.fragments = UInt32(record.fragments)
    unsafe entry.pointee.bytes = record.bytes
    unsafe entry.pointee.zone = record.zone
    unsafe entry.pointee.protocol = record.protocol
    unsafe entry.pointee.family = UInt8(record.flags & DPDKFWD_FRAG_IPV6 == 0 ? 0 : 1)
    unsafe entry.pointee.reason = event.rawValue
    ends?.end()
  }

  /// The pieces of a datagram are free, and its packets die unless they are kept.
  private mutating func empty(_ slot: Int, keepingPackets: Bool) {
    var link = unsafe datagrams[slot].first
    while link != 0 {
      let number = Int(link) - 1
      if !keepingPackets {
        dead[deadCount] = packets[number].handle
        deadCount &+= 1
      }
      link = unsafe pieces[number].next
      give(piece: number)
    }
    give(account: slot)
  }

  private mutating func free(_ slot: Int, keepingPackets: Bool) {
    let record = unsafe datagrams + slot
    unsafe segment_store_release(&record.pointee.generation, 0)
    empty(slot, keepingPackets: keepingPackets)
    if unsafe record.pointee.flags & DPDKFWD_FRAG_DISCARDED != 0 { unsafe counts.pointee.discarded &-= 1 }
    unsafe counts.pointee.datagrams &-= 1
    unsafe record.pointee.newer = freeDatagram
    freeDatagram = UInt32(slot &+ 1)
    isTouched = true
  }

  // MARK: Records

  /// A free record for a datagram, if need be the oldest one's, and of the discarded ones first.
  private mutating func takeDatagram() -> Int? {
    if unsafe counts.pointee.datagrams >= settings.datagrams, !driveOutDatagram() { return nil }
    if freeDatagram != 0 {
      let slot = Int(freeDatagram) - 1
      freeDatagram = unsafe datagrams[slot].newer
      return slot
    }
    usedDatagrams += 1
    return usedDatagrams - 1
  }

  /// A free piece; `makeRoom` has seen to it that there is one.
  @inline(__always)
  private mutating func takePiece() -> Int {
    if freePiece != 0 {
      let number = Int(freePiece) - 1
      freePiece = unsafe pieces[number].next
      return number
    }
    precondition(usedPieces < pieceCapacity)
    usedPieces += 1
    return usedPieces - 1
  }

  private mutating func give(piece number: Int) {
    unsafe segment_store_release(&pieces[number].owner, 0)
    unsafe pieces[number].next = freePiece
    freePiece = UInt32(number &+ 1)
  }

  @inline(__always)
  func find(_ key: FragmentKey) -> Int? {
    let entry = index.find(key.hash) { entry in
      unsafe key.matches(datagrams + Int(entry.slot)) && tags[Int(entry.slot)] == key.tags
    }
    return entry.map { Int($0.slot) }
  }

  private mutating func unindex(_ slot: Int) {
    guard index.remove(hashes[slot], IndexEntry(slot: UInt32(slot))) else {
      preconditionFailure("a datagram was not indexed")
    }
  }

  private func isOver(_ slot: Int, _ now: UInt32) -> Bool {
    unsafe Int32(bitPattern: datagrams[slot].deadline &- now) <= 0
  }

  // MARK: Counts

  /// Counts a fragment that is not taken.
  @inline(never)
  private mutating func refuse(_ event: FragmentEvent, _ family: Int) -> TakenFragment {
    count(event, family)
    return .refused(event)
  }

  public mutating func count(_ event: FragmentEvent, _ family: Int, _ many: UInt64 = 1) {
    events[family &* FragmentEvent.slots &+ Int(event.rawValue)] &+= many
    isTouched = true
  }

  public mutating func count(_ event: DatagramEvent, _ family: Int) {
    datagramEvents[family &* DatagramEvent.slots &+ Int(event.rawValue)] &+= 1
    isTouched = true
  }

  /// How often an event was counted; family 0 is IPv4, 1 IPv6.
  public func count(of event: FragmentEvent, _ family: Int) -> UInt64 {
    events[family * FragmentEvent.slots + Int(event.rawValue)]
  }
  public func count(of event: DatagramEvent, _ family: Int) -> UInt64 {
    datagramEvents[family * DatagramEvent.slots + Int(event.rawValue)]
  }
  /// The same by place: the events of IPv4, then those of IPv6.
  public func fragmentCount(_ place: Int) -> UInt64 { events[place] }
  public func datagramCount(_ place: Int) -> UInt64 { datagramEvents[place] }

  /// The counts have been copied out.
  public mutating func settled() { isTouched = false }
}
