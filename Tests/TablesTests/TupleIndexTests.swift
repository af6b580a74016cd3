import Primitives
import Tables
import TestSupport
import Testing

/// An index beside the simplest thing that means the same: the hash of every entry in it.
@safe
private final class Bench {
  let memory: UnsafeMutableRawPointer
  var index: TupleIndex
  var model: [UInt32: UInt64] = [:]

  init(capacity: Int) {
    let bytes = TupleIndex.bytes(capacity: capacity)
    unsafe memory = .allocate(byteCount: bytes, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    unsafe index = TupleIndex(memory: memory, capacity: capacity)
  }
  deinit { unsafe memory.deallocate() }

  func insert(_ hash: UInt64, _ entry: IndexEntry) -> Bool {
    guard index.insert(hash, entry) else { return false }
    model[entry.rawValue] = hash
    return true
  }
  func insert(_ hash: UInt64, _ slot: UInt32) -> Bool {
    insert(hash, IndexEntry(slot: slot, flag30: slot % 2 == 0, flag31: slot % 3 == 0))
  }
  func remove(_ hash: UInt64, _ entry: IndexEntry) -> Bool {
    guard index.remove(hash, entry) else { return false }
    model[entry.rawValue] = nil
    return true
  }
  func find(_ hash: UInt64, _ slot: UInt32) -> IndexEntry? { index.find(hash) { $0.slot == slot } }
  func find(_ hash: UInt64, _ entry: IndexEntry) -> Bool { index.find(hash) { $0 == entry } == entry }
  func candidate(_ hash: UInt64) -> IndexEntry? { index.candidate(hash) }
  /// The model in an order that is the same in every run.
  var sorted: [(key: UInt32, value: UInt64)] { model.sorted { $0.key < $1.key } }
  var count: Int { index.count }
  var outside: Int { index.overflowInUse }
  var changes: UInt32 { index.changes }

  var agrees: Bool {
    index.count == model.count && index.checkInvariants { model[$0.rawValue] ?? 0 }
      && model.allSatisfy { raw, hash in find(hash, IndexEntry(rawValue: raw)) }
  }
}

/// How hashes fall.
enum Fall: CaseIterable {
  case evenly, intoFewBuckets, alike, intoTheLastBucket

  func hash(_ chance: inout SeededGenerator) -> UInt64 {
    let any = chance.next()
    return switch self {
    case .evenly: any
    case .intoFewBuckets: any & 0xC000_0000_0000_0003
    case .alike: 0x0123_4567_89AB_CDEF
    case .intoTheLastBucket: any | 0xFFFF_FFFF_0000_0000
    }
  }
}

struct TupleIndexTests {
  @Test func `an entry keeps its slot and its two bits apart`() {
    for slot: UInt32 in [0, 1, 0x3FFF_FFFF] {
      for (low, high) in [(false, false), (true, false), (false, true), (true, true)] {
        let entry = IndexEntry(slot: slot, flag30: low, flag31: high)
        #expect(entry.slot == slot)
        #expect(entry.flag30 == low)
        #expect(entry.flag31 == high)
      }
    }
    #expect(IndexEntry(slot: 0xFFFF_FFFF).rawValue == 0x3FFF_FFFF)
  }

  @Test func `what is put in is found until it is taken out`() {
    let bench = Bench(capacity: 100)
    let entry = IndexEntry(slot: 7, flag30: true)
    #expect(bench.candidate(42) == nil)
    #expect(bench.insert(42, entry))
    #expect(bench.candidate(42) == entry)
    #expect(bench.find(42, 7) == entry)
    #expect(bench.find(42, 8) == nil)
    #expect(bench.find(43, 7) == nil, "another tag")
    #expect(!bench.remove(42, IndexEntry(slot: 7)), "the same slot with other bits is another entry")
    #expect(bench.remove(42, entry))
    #expect(!bench.remove(42, entry))
    #expect(bench.find(42, 7) == nil)
    #expect(bench.count == 0)
  }

  @Test func `a hash without a tag of its own is found as well`() {
    let bench = Bench(capacity: 100)
    #expect(bench.insert(0, 1))
    #expect(bench.insert(0xABCD_0000_0000_0000, 2))
    #expect(bench.find(0, 1)?.slot == 1)
    #expect(bench.find(0xABCD_0000_0000_0000, 2)?.slot == 2)
    #expect(bench.agrees)
  }

  @Test func `every change shows, a refused one does not`() {
    let bench = Bench(capacity: 1)
    let start = bench.changes
    #expect(bench.insert(1, 1))
    #expect(bench.changes == start + 1)
    #expect(!bench.insert(2, 2))
    #expect(!bench.remove(9, IndexEntry(slot: 1)))
    #expect(bench.changes == start + 1)
    #expect(bench.remove(1, IndexEntry(slot: 1)))
    #expect(bench.changes == start + 2)
  }

  /// Nothing is refused below capacity, whatever the hashes are, and everything beyond it is.
  @Test(arguments: Fall.allCases)
  func `an index takes what it promised and no more`(fall: Fall) {
    var chance = SeededGenerator.forThisRun()
    for capacity in [1, 3, 4, 5, 8, 9, 31, 64, 1000] {
      let bench = Bench(capacity: capacity)
      for round in 0..<3 {
        let base = UInt32(round * 1000)  // no slot twice
        for slot in UInt32(bench.count)..<UInt32(capacity) where !bench.insert(fall.hash(&chance), slot + base) {
          Issue.record("round \(round): refused entry \(slot) of \(capacity)")
        }
        #expect(!bench.insert(fall.hash(&chance), UInt32(capacity)))
        #expect(bench.agrees)
        // Most go; those who stay are where the next round wants to be.
        for (raw, hash) in bench.sorted where raw % 5 != 0 { #expect(bench.remove(hash, IndexEntry(rawValue: raw))) }
        #expect(bench.agrees)
      }
      for (raw, hash) in bench.sorted { #expect(bench.remove(hash, IndexEntry(rawValue: raw))) }
      #expect(bench.count == 0)
      #expect(bench.outside == 0)
    }
  }

  @Test(arguments: Fall.allCases)
  func `steps without number do to an index what they do to a dictionary`(fall: Fall) {
    var chance = SeededGenerator.forThisRun()
    let bench = Bench(capacity: 300)
    var entries: [IndexEntry] = []
    var slot: UInt32 = 0
    for step in 0..<60_000 {
      // Fuller and emptier in turn: 3 of 4 steps add, then 3 of 4 remove.
      let adding = UInt8.random(in: 0..<4, using: &chance) < (step / 2000 % 2 == 0 ? 3 : 1)
      if adding {
        slot += 1
        let entry = IndexEntry(slot: slot, flag30: slot % 2 == 0, flag31: slot % 3 == 0)
        let isFull = entries.count == 300
        #expect(bench.insert(fall.hash(&chance), entry) == !isFull)
        if !isFull { entries.append(entry) }
      } else if let place = entries.indices.randomElement(using: &chance) {
        entries.swapAt(place, entries.count - 1)
        let entry = entries.removeLast()
        let hash = bench.model[entry.rawValue] ?? 0
        #expect(bench.remove(hash, entry))
        #expect(!bench.find(hash, entry))
      }
      if step % 500 == 0, !bench.agrees {
        Issue.record("step \(step): the index is not what the dictionary says")
        return
      }
    }
    #expect(bench.agrees)
  }

  /// Every bucket is passed by an entry, so none says that a search may end: the way round does.
  @Test func `a search for nothing ends after one round`() {
    let bench = Bench(capacity: 64)  // 16 buckets
    for bucket in 0..<16 as Range<UInt64> {
      let hash = bucket << 60 | 5
      // Fill it, push one entry out of it, and take back those that filled it.
      var filled: [IndexEntry] = []
      var slot = UInt32(bucket) * 100
      while true {
        let entry = IndexEntry(slot: slot)
        let before = bench.outside
        #expect(bench.insert(hash, entry))
        if bench.outside > before { break }
        filled.append(entry)
        slot += 1
      }
      for entry in filled { #expect(bench.remove(hash, entry)) }
    }
    #expect(bench.outside == 16)
    for bucket in 0..<16 as Range<UInt64> {
      #expect(bench.find(bucket << 60 | 6, 1) == nil)
      #expect(!bench.remove(bucket << 60 | 6, IndexEntry(slot: 1)))
    }
  }

  @Test func `entries nearby are those of the next buckets, the last one's next is the first`() {
    let bench = Bench(capacity: 64)
    for bucket in 0..<16 as Range<UInt64> { #expect(bench.insert(bucket << 60 | 1, UInt32(bucket))) }
    func seen(from bucket: UInt64, buckets: Int, stopAt stop: UInt32? = nil) -> [UInt32] {
      var seen: [UInt32] = []
      bench.index.nearby(bucket << 60, buckets: buckets) {
        seen.append($0.slot)
        return $0.slot == stop
      }
      return seen
    }
    #expect(seen(from: 3, buckets: 4) == [3, 4, 5, 6])
    #expect(seen(from: 14, buckets: 4) == [14, 15, 0, 1])
    #expect(seen(from: 2, buckets: 1000).count == 16, "each bucket once")
    #expect(seen(from: 2, buckets: 8, stopAt: 4) == [2, 3, 4])
    #expect(seen(from: 2, buckets: 0) == [])
  }

  @Test func `an emptied index is as new`() {
    let bench = Bench(capacity: 50)
    for slot in 0..<50 as Range<UInt32> { #expect(bench.insert(77, slot)) }
    bench.index.removeAll()
    bench.model = [:]
    #expect(bench.agrees)
    #expect(bench.outside == 0)
    for slot in 0..<50 as Range<UInt32> { #expect(bench.insert(77, slot)) }
  }

  /// What was pushed out of its bucket stays out until it goes, so a busy index is worse than a new one, but not much.
  @Test func `most entries stay in their bucket, however often they are replaced`() {
    let count = 20_000
    let bench = Bench(capacity: count)
    var chance = SeededGenerator.forThisRun()
    var hashes = (0..<count).map { _ in chance.next() }
    for slot in 0..<count { _ = bench.index.insert(hashes[slot], IndexEntry(slot: UInt32(slot))) }
    let fresh = bench.outside
    for _ in 0..<count * 5 {
      let slot = Int.random(in: 0..<count, using: &chance)
      _ = bench.index.remove(hashes[slot], IndexEntry(slot: UInt32(slot)))
      hashes[slot] = chance.next()
      _ = bench.index.insert(hashes[slot], IndexEntry(slot: UInt32(slot)))
    }
    print(
      "TupleIndex, full: \(fresh) of \(count) outside their bucket, \(bench.outside) when all were replaced 5 times")
    #expect(fresh < count / 50)
    #expect(bench.outside < count / 20)
    let holds = bench.index.checkInvariants { hashes[Int($0.slot)] }
    #expect(holds)
  }

  @Test func `a million entries are all found, and 16 bytes each`() {
    let count = 1_000_000
    let bench = Bench(capacity: count)
    let secret = HashSecret(seed: SeededGenerator.forThisRun().seed)
    var (refused, lost, found) = (0, 0, 0)
    for slot in 0..<UInt32(count) where !bench.index.insert(secret.hash(UInt64(slot), 1), IndexEntry(slot: slot)) {
      refused += 1
    }
    for slot in 0..<UInt32(count) {
      if bench.find(secret.hash(UInt64(slot), 1), slot) == nil { lost += 1 }
      if bench.find(secret.hash(UInt64(slot), 2), slot) != nil { found += 1 }
    }
    #expect((refused, lost, found) == (0, 0, 0))
    let bytes = Double(TupleIndex.bytes(capacity: count)) / Double(count)
    print("TupleIndex: \(bytes) bytes an entry, \(bench.outside) of \(count) outside their bucket")
    #expect(bytes <= 16.001)
    #expect(bench.outside < count / 20)
  }
}
