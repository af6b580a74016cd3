internal import CSegment
internal import Primitives
public import Wire

/// Where a fragment goes among those that are there.
enum PiecePlace {
  /// Behind a piece, by number + 1; 0: in front of all.
  case behind(UInt32)
  /// Its like is there.
  case duplicate
  /// It cannot be of the same datagram as the others.
  case conflict(FragmentEvent)
}

extension Reassembly {
  /// Where a fragment goes, or what speaks against it: bytes that are there already, other than as an exact duplicate
  /// (same offset, same length), a second end, data behind the end.
  @unsafe @inline(__always)
  mutating func search(
    _ slot: Int, _ record: UnsafeMutablePointer<dpdkfwd_frag_record>, _ arrival: borrowing FragmentArrival
  ) -> PiecePlace {
    let last = unsafe record.pointee.last
    let tail = unsafe pieces + (Int(last) &- 1)
    let isBehind = unsafe arrival.offset >= tail.end
    let hasEnd = unsafe record.pointee.end != DPDKFWD_FRAG_NO_END
    // In order, and the end not yet known: the way of nearly all.
    if isBehind { return hasEnd ? .conflict(.endConflict) : .behind(last) }
    return unsafe searchInside(slot, record, arrival, hasEnd: hasEnd)
  }

  // Mutating, as others that change nothing: whoever only borrows a table hands over a copy of it.
  @unsafe @inline(never)
  private mutating func searchInside(
    _ slot: Int, _ record: UnsafeMutablePointer<dpdkfwd_frag_record>, _ arrival: borrowing FragmentArrival,
    hasEnd: Bool
  ) -> PiecePlace {
    let front = unsafe pieces + (Int(record.pointee.first) &- 1)
    var before: UInt32 = 0
    if unsafe arrival.offset >= front.pointee.offset {
      before = unsafe predecessor(slot, record, of: arrival.offset)
      let piece = unsafe pieces + (Int(before) &- 1)
      if unsafe piece.pointee.offset == arrival.offset, unsafe piece.pointee.length == arrival.length {
        return unsafe piece.pointee.more == (arrival.more ? 1 : 0) ? .duplicate : .conflict(.endConflict)
      }
      if unsafe piece.end > arrival.offset { return .conflict(.overlapped) }
    }
    let next = unsafe before == 0 ? record.pointee.first : pieces[Int(before) &- 1].next
    if next != 0, unsafe pieces[Int(next) &- 1].offset < arrival.end { return .conflict(.overlapped) }
    // It lies between others, or in front of them: no place for an end, be it the first or another one.
    if !arrival.more { return .conflict(.endConflict) }
    return .behind(before)
  }

  /// The piece, by number + 1, with the highest offset that is not above the given one; there is one.
  private mutating func predecessor(_ slot: Int, _ record: UnsafeMutablePointer<dpdkfwd_frag_record>, of offset: UInt32)
    -> UInt32
  {
    var at = unsafe record.pointee.first
    if unsafe record.pointee.fragments > PieceDirectory.threshold { at = directory.start(slot, offset) ?? at }
    var steps: UInt64 = 0
    while case let next = unsafe pieces[Int(at) &- 1].next, next != 0, unsafe pieces[Int(next) &- 1].offset <= offset {
      at = next
      steps &+= 1
    }
    unsafe counts.pointee.steps &+= steps
    return at
  }

  /// Enters a new piece into the directory, which begins when a datagram has many.
  @unsafe @inline(__always)
  mutating func note(_ slot: Int, _ piece: UnsafeMutablePointer<dpdkfwd_frag_piece_record>, _ link: UInt32) {
    let many = unsafe datagrams[slot].fragments
    if many <= PieceDirectory.threshold { return }
    if many == PieceDirectory.threshold + 1 { return list(slot) }
    enter(slot, link)
  }

  @inline(never)
  private mutating func list(_ slot: Int) {
    directory.clear(slot)
    var link = unsafe datagrams[slot].first
    while link != 0 {
      enter(slot, link)
      link = unsafe pieces[Int(link) &- 1].next
    }
  }

  private mutating func enter(_ slot: Int, _ link: UInt32) {
    let offset = unsafe pieces[Int(link) &- 1].offset
    let known = directory.last(slot, offset)
    guard unsafe known == 0 || pieces[Int(known) &- 1].offset < offset else { return }
    directory.set(slot, offset, link)
  }

  // MARK: A datagram that is whole

  /// Fragments of a datagram, bytes of their frames, and the largest frame.
  public func pieceCount(_ slot: Int) -> Int { unsafe Int(datagrams[slot].fragments) }
  public func frameBytes(_ slot: Int) -> UInt64 { unsafe UInt64(datagrams[slot].bytes) }
  public mutating func largestFrame(_ slot: Int) -> UInt32 {
    let largest = unsafe datagrams[slot].largest_frame
    return largest < .max ? UInt32(largest) : searchLargestFrame(slot)
  }
  /// A record says no more than 65,535, and with the link's header a frame can have more.
  @inline(never)
  private mutating func searchLargestFrame(_ slot: Int) -> UInt32 {
    var largest: UInt32 = 0
    var link = firstPiece(slot)
    while link != 0 {
      largest = max(largest, packet(link).length)
      link = piece(after: link)
    }
    return largest
  }
  /// Bytes of its payload.
  public func payloadLength(_ slot: Int) -> UInt32 { unsafe datagrams[slot].covered }
  /// What ports said of the frames, together.
  public func marks(_ slot: Int) -> UInt8 { unsafe datagrams[slot].marks }
  /// Whether one of the fragments says that it must not be cut.
  public func isUncuttable(_ slot: Int) -> Bool { unsafe datagrams[slot].ecn & 1 << 4 != 0 }
  /// What all fragments are to say of congestion; 0: each says what it does.
  public func congestion(_ slot: Int) -> UInt8 { unsafe ECN.combined(datagrams[slot].ecn) ?? 0 }
  /// VLAN tags of the first fragment.
  public func vlanCount(_ slot: Int) -> UInt8 { firsts[slot].vlanCount }
  /// What the first fragment says.
  public func first(_ slot: Int) -> Summary { firsts[slot] }

  /// The pieces in order, by number + 1: the first, and the one behind another; 0: there is none.
  public func firstPiece(_ slot: Int) -> UInt32 { unsafe datagrams[slot].first }
  public func piece(after link: UInt32) -> UInt32 { unsafe pieces[Int(link) &- 1].next }
  public func packet(_ link: UInt32) -> HeldFragment { packets[Int(link) &- 1] }
  public func payloadLength(ofPiece link: UInt32) -> Int { unsafe Int(pieces[Int(link) &- 1].length) }
}

extension UnsafeMutablePointer<dpdkfwd_frag_piece_record> {
  /// Where in the payload the piece ends.
  @inline(__always)
  var end: UInt32 { unsafe UInt32(pointee.offset) &+ UInt32(pointee.length) }
}

/// Where to begin the search for a place in a datagram of many fragments: for each 1024 bytes of payload the piece
/// furthest behind that begins in them. It bounds the steps of a search to what 1024 bytes can hold, 128 pieces, however
/// their sender orders them.
struct PieceDirectory: ~Copyable {
  /// A datagram of so many pieces has no need of it.
  static let threshold: UInt16 = 32
  private static let parts = 64
  private var links: FixedArray<UInt32>
  /// One bit for each part that has a piece.
  private var filled: FixedArray<UInt64>

  init(datagrams: Int) {
    links = FixedArray(repeating: 0, count: datagrams * Self.parts)
    filled = FixedArray(repeating: 0, count: datagrams)
  }

  mutating func clear(_ slot: Int) { filled[slot] = 0 }

  /// A piece in front of the part that the offset lies in, as near as there is one.
  func start(_ slot: Int, _ offset: UInt32) -> UInt32? {
    let lower = filled[slot] & (1 &<< UInt64(offset >> 10) &- 1)
    return lower == 0 ? nil : links[slot &* Self.parts &+ 63 &- lower.leadingZeroBitCount]
  }

  /// The piece furthest behind in the part that the offset lies in; 0: none.
  func last(_ slot: Int, _ offset: UInt16) -> UInt32 {
    filled[slot] & 1 &<< UInt64(offset >> 10) == 0 ? 0 : links[slot &* Self.parts &+ Int(offset >> 10)]
  }

  mutating func set(_ slot: Int, _ offset: UInt16, _ link: UInt32) {
    filled[slot] |= 1 &<< UInt64(offset >> 10)
    links[slot &* Self.parts &+ Int(offset >> 10)] = link
  }
}
