import CTables
import Glibc
import Primitives
import Tables
import TestSupport

/// Records of 128 bytes and an index of them, looked up in an order that no prefetcher guesses.
@safe
struct IndexBench: ~Copyable {
  /// The part of a record that a lookup reads and a packet changes.
  struct Record: BitwiseCopyable {
    var key: UInt64
    var packets: UInt64
  }

  private let secret = HashSecret(seed: 1)
  private let indexMemory: UnsafeMutableRawPointer
  private let records: UnsafeMutableRawPointer
  private let order: UnsafeMutableBufferPointer<UInt64>
  private var index: TupleIndex
  private let burst = 32

  /// The index is as full as it may be.
  init(entries: Int) {
    unsafe indexMemory = zeroed(TupleIndex.bytes(capacity: entries))
    unsafe records = zeroed(entries * 128)
    unsafe index = TupleIndex(memory: indexMemory, capacity: entries)
    for slot in 0..<entries {
      let key = UInt64(slot) &* 0x9E37_79B9
      unsafe records.storeBytes(of: key, toByteOffset: slot * 128, as: UInt64.self)
      _ = index.insert(secret.hash(key, 0), IndexEntry(slot: UInt32(slot)))
    }
    var chance = SeededGenerator(seed: 1)
    unsafe order = .allocate(capacity: max(4096, min(entries, 1 << 20)) / 32 * 32)
    for i in unsafe 0..<order.count {
      unsafe order.initializeElement(at: i, to: UInt64.random(in: 0..<UInt64(entries), using: &chance) &* 0x9E37_79B9)
    }
  }

  deinit {
    unsafe indexMemory.deallocate()
    unsafe records.deallocate()
    unsafe order.deallocate()
  }

  @inline(__always)
  private func isMeant(_ entry: IndexEntry, _ key: UInt64) -> Bool {
    unsafe record(entry).pointee.key == key
  }
  @inline(__always)
  private func record(_ entry: IndexEntry) -> UnsafeMutablePointer<Record> {
    unsafe (records + Int(entry.slot) * 128).assumingMemoryBound(to: Record.self)
  }

  func oneAtATime() -> Timing {
    Timing(operations: unsafe order.count, rounds: 7) {
      for i in unsafe 0..<order.count {
        let key = unsafe order[i]
        if let entry = index.find(secret.hash(key, 0), where: { isMeant($0, key) }) {
          unsafe record(entry).pointee.packets &+= 1
        }
      }
    }
  }

  /// Three passes over a burst: ask for buckets, ask for records, look up.
  func inBursts() -> Timing {
    let hashes = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: burst)
    unsafe hashes.initialize(repeating: 0)
    defer { unsafe hashes.deallocate() }
    return Timing(operations: unsafe order.count, rounds: 7) {
      var start = 0
      while unsafe start < order.count {
        for i in 0..<burst {
          unsafe hashes[i] = secret.hash(order[start + i], 0)
          unsafe index.prefetch(hashes[i])
        }
        for i in 0..<burst {
          if let entry = unsafe index.candidate(hashes[i]) { unsafe ctables_prefetch_for_write(record(entry)) }
        }
        for i in 0..<burst {
          let key = unsafe order[start + i]
          if let entry = unsafe index.find(hashes[i], where: { isMeant($0, key) }) {
            unsafe record(entry).pointee.packets &+= 1
          }
        }
        start += burst
      }
    }
  }
}

extension Stage {
  static func index() -> [Stage] {
    [1000, 100_000, 1_000_000, 8_000_000].flatMap { entries in
      let bench = IndexBench(entries: entries)
      return [
        Stage(name: "TupleIndex \(entries), in bursts", unit: "lookup", timing: bench.inBursts()),
        Stage(name: "TupleIndex \(entries), one by one", unit: "lookup", timing: bench.oneAtATime()),
      ]
    }
  }
}

/// Zeroed memory on huge pages, as tables have.
private func zeroed(_ bytes: Int) -> UnsafeMutableRawPointer {
  let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 2 << 20)
  unsafe madvise(memory, bytes, MADV_HUGEPAGE)
  unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
  return unsafe memory
}
