public import CTables

/// What an index holds for a hash: where the record is, and two bits of the caller's.
public struct IndexEntry: BitwiseCopyable, Equatable, Sendable {
  public var rawValue: UInt32

  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// - Parameter slot: below 2^30; higher bits are dropped.
  @inlinable public init(slot: UInt32, flag30: Bool = false, flag31: Bool = false) {
    rawValue = slot & 0x3FFF_FFFF | (flag30 ? 1 << 30 : 0) | (flag31 ? 1 << 31 : 0)
  }

  @inlinable public var slot: UInt32 { rawValue & 0x3FFF_FFFF }
  @inlinable public var flag30: Bool { rawValue & 1 << 30 != 0 }
  @inlinable public var flag31: Bool { rawValue & 1 << 31 != 0 }
}

/// Finds records by a 64-bit keyed hash of what identifies them; the records themselves, and whether one is really the
/// one sought, are the caller's business.
///
/// Buckets are cache lines of eight entries, each beside a 16-bit tag of its hash; there are twice the places that the
/// capacity needs. An entry whose own bucket is full goes to the next one with room, and every bucket it passes counts
/// it, so that a search goes on exactly as long as it must. Any place will do for any entry, hence nothing is refused
/// below capacity, whatever the hashes are. 16 bytes an entry.
///
/// The bucket is chosen by the highest bits of the hash and the tag by its lowest 16: whoever spreads the same hashes
/// over several indexes takes bits from the middle.
@safe
public struct TupleIndex: ~Copyable {
  @usableFromInline enum Bucket {
    @usableFromInline static let bytes = 64
    @usableFromInline static let places = 8
    @usableFromInline static let tags = 0  // UInt16 each, 0 for a free place
    @usableFromInline static let entries = 16  // UInt32 each
    @usableFromInline static let passed = 48  // UInt32, entries that found this bucket full and lie further on
  }

  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let end: UnsafeMutableRawPointer
  @usableFromInline let buckets: UInt64
  @usableFromInline var used = 0
  @usableFromInline var displaced = 0
  @usableFromInline var edits: UInt32 = 0

  /// How many entries it takes before it refuses one.
  public let capacity: Int

  /// The memory that an index of a capacity needs.
  public static func bytes(capacity: Int) -> Int { (capacity + 3) / 4 * Bucket.bytes }

  /// - Parameters:
  ///   - memory: `bytes(capacity:)` bytes, all zero, aligned to 64; the caller frees them after the index.
  ///   - capacity: 1 to 2^30.
  @unsafe public init(memory: UnsafeMutableRawPointer, capacity: Int) {
    precondition(capacity > 0 && capacity <= 1 << 30)
    precondition(UInt(bitPattern: memory).isMultiple(of: 64))
    unsafe base = memory
    unsafe end = memory + TupleIndex.bytes(capacity: capacity)
    buckets = UInt64(TupleIndex.bytes(capacity: capacity) / Bucket.bytes)
    self.capacity = capacity
  }

  /// A way to look things up that can be kept in registers over a burst. Valid as long as the index.
  @inlinable public var view: View { unsafe View(base: base, end: end, buckets: buckets) }

  @inlinable public var count: Int { used }
  public var bucketCount: Int { Int(buckets) }
  /// How many of a bucket's eight places are taken.
  public func entries(inBucket place: Int) -> Int {
    precondition(place >= 0 && place < Int(buckets))
    return unsafe Bucket.places - ctables_match8(base + place * Bucket.bytes + Bucket.tags, 0).nonzeroBitCount
  }
  /// Entries that lie outside their own bucket: a lookup of one reads more than one cache line.
  @inlinable public var overflowInUse: Int { displaced }
  /// Another number after every insertion and removal: what was found before may be out of date.
  @inlinable public var changes: UInt32 { edits }
}

// MARK: Looking up

extension TupleIndex {
  /// Asks for the bucket of a hash: first of the three passes over a burst.
  @inlinable @inline(__always)
  public func prefetch(_ hash: UInt64) { view.prefetch(hash) }

  /// The entry most likely meant, so that the second pass can ask for its record: the first in the hash's own bucket
  /// whose tag fits. Nothing is decided by it.
  @inlinable @inline(__always)
  public func candidate(_ hash: UInt64) -> IndexEntry? { view.candidate(hash) }

  /// The entry of a hash that `isMeant` accepts; it is asked of entries whose tag fits, one in 10,000 of them another's.
  /// O(1): one cache line for 19 of 20 entries of a full index.
  @inlinable @inline(__always)
  public func find(_ hash: UInt64, where isMeant: (IndexEntry) -> Bool) -> IndexEntry? {
    view.find(hash, where: isMeant)
  }

  /// Shows the entries of some buckets, the hash's own first, until `visit` returns true: where to look for one to
  /// give up. They are as good as drawn at random.
  @inlinable
  public func nearby(_ hash: UInt64, buckets count: Int, visit: (IndexEntry) -> Bool) {
    var bucket = unsafe bucket(of: hash)
    for _ in 0..<min(count, Int(buckets)) {
      var taken = unsafe ~ctables_match8(bucket + Bucket.tags, 0) & 0xFF
      while taken != 0 {
        if visit(unsafe TupleIndex.entry(bucket, taken.trailingZeroBitCount)) { return }
        taken &= taken &- 1
      }
      unsafe bucket = next(bucket)
    }
  }
}

// MARK: Changing

extension TupleIndex {
  /// Adds an entry; two of the same hash lie side by side.
  /// - Returns: false when it holds `capacity` entries, and only then.
  @inlinable
  public mutating func insert(_ hash: UInt64, _ entry: IndexEntry) -> Bool {
    guard used < capacity else { return false }
    var bucket = unsafe bucket(of: hash)
    var free = unsafe ctables_match8(bucket + Bucket.tags, 0)
    if free == 0 { displaced &+= 1 }
    while free == 0 {
      unsafe TupleIndex.passed(bucket).pointee &+= 1
      unsafe bucket = next(bucket)
      free = unsafe ctables_match8(bucket + Bucket.tags, 0)
    }
    let place = free.trailingZeroBitCount
    unsafe TupleIndex.tags(bucket)[place] = TupleIndex.tag(hash)
    unsafe TupleIndex.entries(bucket)[place] = entry.rawValue
    used &+= 1
    edits &+= 1
    return true
  }

  /// Takes out the entry that was added with this hash.
  /// - Returns: false when there is none.
  @inlinable
  public mutating func remove(_ hash: UInt64, _ entry: IndexEntry) -> Bool {
    let tag = TupleIndex.tag(hash)
    let home = unsafe bucket(of: hash)
    var bucket = unsafe home
    repeat {
      var fits = unsafe ctables_match8(bucket + Bucket.tags, tag)
      while fits != 0 {
        let place = fits.trailingZeroBitCount
        if unsafe TupleIndex.entry(bucket, place) == entry {
          unsafe TupleIndex.tags(bucket)[place] = 0
          unsafe forget(from: home, upTo: bucket)
          return true
        }
        fits &= fits &- 1
      }
      if unsafe TupleIndex.passed(bucket).pointee == 0 { return false }
      unsafe bucket = next(bucket)
    } while unsafe bucket != home
    return false
  }

  /// Takes out everything. O(memory): not for the packet path.
  public mutating func removeAll() {
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: end - base)
    used = 0
    displaced = 0
    edits &+= 1
  }

  /// An entry is gone from `bucket`: the buckets that it had passed no longer count it.
  @inlinable @inline(__always)
  mutating func forget(from home: UnsafeMutableRawPointer, upTo bucket: UnsafeMutableRawPointer) {
    used &-= 1
    edits &+= 1
    if unsafe bucket == home { return }
    displaced &-= 1
    var passed = unsafe home
    while unsafe passed != bucket {
      unsafe TupleIndex.passed(passed).pointee &-= 1
      unsafe passed = next(passed)
    }
  }
}

// MARK: Buckets

extension TupleIndex {
  @inlinable @inline(__always)
  static func tag(_ hash: UInt64) -> UInt16 { max(1, UInt16(truncatingIfNeeded: hash)) }

  @inlinable @inline(__always)
  func bucket(of hash: UInt64) -> UnsafeMutableRawPointer { unsafe view.bucket(of: hash) }

  @inlinable @inline(__always)
  func next(_ bucket: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    let next = unsafe bucket + Bucket.bytes
    return unsafe next == end ? base : next
  }

  @inlinable @inline(__always)
  static func tags(_ bucket: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt16> {
    unsafe (bucket + Bucket.tags).assumingMemoryBound(to: UInt16.self)
  }
  @inlinable @inline(__always)
  static func entries(_ bucket: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt32> {
    unsafe (bucket + Bucket.entries).assumingMemoryBound(to: UInt32.self)
  }
  @inlinable @inline(__always)
  static func passed(_ bucket: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt32> {
    unsafe (bucket + Bucket.passed).assumingMemoryBound(to: UInt32.self)
  }
  @inlinable @inline(__always)
  static func entry(_ bucket: UnsafeMutableRawPointer, _ place: Int) -> IndexEntry {
    unsafe IndexEntry(rawValue: entries(bucket)[place])
  }
}

// MARK: View

extension TupleIndex {
  /// What looking up needs of an index: where its buckets are.
  @safe
  public struct View: BitwiseCopyable {
    @usableFromInline let base: UnsafeMutableRawPointer
    @usableFromInline let end: UnsafeMutableRawPointer
    @usableFromInline let buckets: UInt64

    @inlinable
    init(base: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer, buckets: UInt64) {
      unsafe (self.base, self.end) = unsafe (base, end)
      self.buckets = buckets
    }

    @inlinable @inline(__always)
    func bucket(of hash: UInt64) -> UnsafeMutableRawPointer {
      unsafe base + Int(truncatingIfNeeded: hash.multipliedFullWidth(by: buckets).high &* UInt64(Bucket.bytes))
    }

    /// See `TupleIndex.find`: the same.
    @inlinable @inline(__always)
    public func find(_ hash: UInt64, where isMeant: (IndexEntry) -> Bool) -> IndexEntry? {
      let tag = TupleIndex.tag(hash)
      let home = unsafe bucket(of: hash)
      var bucket = unsafe home
      repeat {
        var fits = unsafe ctables_match8(bucket + Bucket.tags, tag)
        while fits != 0 {
          let entry = unsafe TupleIndex.entry(bucket, fits.trailingZeroBitCount)
          if isMeant(entry) { return entry }
          fits &= fits &- 1
        }
        if unsafe TupleIndex.passed(bucket).pointee == 0 { return nil }
        unsafe bucket += Bucket.bytes
        if unsafe bucket == end { unsafe bucket = base }
      } while unsafe bucket != home
      return nil
    }

    /// See `TupleIndex.candidate`: the same.
    @inlinable @inline(__always)
    public func candidate(_ hash: UInt64) -> IndexEntry? {
      let bucket = unsafe bucket(of: hash)
      let fits = unsafe ctables_match8(bucket + Bucket.tags, TupleIndex.tag(hash))
      return fits == 0 ? nil : unsafe TupleIndex.entry(bucket, fits.trailingZeroBitCount)
    }

    @inlinable @inline(__always)
    public func prefetch(_ hash: UInt64) { unsafe ctables_prefetch(bucket(of: hash)) }
  }
}
