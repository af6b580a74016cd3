import CSegment
import Conntrack
import EventSupport
import Primitives
import Segment
import TestSupport
import Testing

/// Orders about all connections that a filter takes, in slices (C18, C31, C37, F23).
struct ScanTests {
  /// Connections from ports 1 on, every third one marked.
  private static func bench(_ count: UInt16, capacity: Int = 256) -> TrackerBench {
    let bench = TrackerBench(capacity: capacity, events: EventMemory(room: 1 << 13), telling: EventTests.loud)
    for port in 1...count { add(port, to: bench) }
    _ = bench.told()
    return bench
  }

  private static func flow(_ port: UInt16) -> Connection { .of(17, "10.0.0.1", "192.0.2.53", port, 53) }

  private static func add(_ port: UInt16, to bench: TrackerBench) {
    bench.order(.create, flow(port).with { $0.mark = port % 3 == 0 ? 1 : 0 }.change(.mark))
  }

  private static let marked: ConnectionFilter = {
    var filter = ConnectionFilter()
    filter.conditions = .mark
    filter.mark = 1
    return filter
  }()

  /// Lets the scan go on by slices; the ports of those it found, in order, and how many it meant.
  private func run(
    _ scan: ConnectionScan, on bench: TrackerBench, slices: () -> Int, between: () -> Void = {}
  ) -> (ports: [UInt16], meant: Int) {
    var scan = scan
    var ports: [UInt16] = []
    var meant = 0
    var images = [dpdkfwd_ct_image](repeating: dpdkfwd_ct_image(), count: 32)
    repeat {
      var filled = 0
      let (next, most) = (scan.next, slices())
      let visited = unsafe bench.tracker.eventCounts.pointee.visited
      meant += unsafe images.withUnsafeMutableBufferPointer {
        unsafe bench.tracker.carryOut(&scan, most: most, $0, filled: &filled)
      }
      let steps = unsafe bench.tracker.eventCounts.pointee.visited - visited
      #expect(Int(steps) == scan.next - next && steps <= most, "every slot that is passed is looked at, and no more")
      ports += images[..<filled].map(\.record.source_port)
      between()
    } while scan.next < bench.tracker.table.slotsUsed
    return (ports, meant)
  }

  @Test(arguments: [1, 2, 7, 31, 32, 33, 64, 1000])
  func `slices of any size find the same`(slice: Int) {
    let bench = Self.bench(200)
    let scan = ConnectionScan(.update, filter: Self.marked)
    let found = run(scan, on: bench, slices: { slice })
    #expect(found.ports == (1...200).filter { $0 % 3 == 0 } && found.meant == 66)
    #expect(bench.told().isEmpty, "nothing was to change")
    var silent = scan
    silent.isSilent = true
    let counted = run(silent, on: bench, slices: { slice })
    #expect(counted.ports.isEmpty && counted.meant == 66)
  }

  /// ctnetlink's GET_CTRZERO: what was counted is shown once, and nobody is told of it.
  @Test(arguments: [1, 5, 500])
  func `counters that begin anew are shown as they were`(slice: Int) {
    let bench = TrackerBench(capacity: 64, events: EventMemory(), telling: EventTests.loud)
    for port in 1...20 as ClosedRange<UInt16> {
      let packet = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: port, to: 53)
      for _ in 0..<port { bench.send(packet) }
      bench.send(packet.reversed)
    }
    _ = bench.told()
    var scan = ConnectionScan(.zero, filter: ConnectionFilter(), client: 9)
    var images = [dpdkfwd_ct_image](repeating: dpdkfwd_ct_image(), count: 32)
    var filled = 0
    repeat {
      _ = unsafe images.withUnsafeMutableBufferPointer {
        unsafe bench.tracker.carryOut(&scan, most: slice, $0, filled: &filled)
      }
    } while scan.next < bench.tracker.table.slotsUsed
    #expect(images[..<filled].map(\.record.packets_original) == (1...20).map { $0 })
    #expect(images[..<filled].allSatisfy { $0.record.packets_reply == 1 })
    #expect(bench.connections.allSatisfy { $0.packets_original + $0.packets_reply + $0.bytes_original == 0 })
    #expect(bench.told().isEmpty)
  }

  /// As they were before they went.
  @Test(arguments: [1, 5, 500])
  func `what is deleted is shown as it was`(slice: Int) {
    let bench = Self.bench(200)
    let found = run(ConnectionScan(.delete, filter: Self.marked, client: 9), on: bench, slices: { slice })
    #expect(found.ports == (1...200).filter { $0 % 3 == 0 } && bench.count == 134)
    let events = bench.told()
    #expect(events.count == 66 && events.allSatisfy { $0.words == "destroy by request 9" })
    #expect(bench.tracker.table.checkInvariants() == nil)
    let rest = run(ConnectionScan(.delete, filter: ConnectionFilter(), isSilent: true), on: bench, slices: { slice })
    #expect(rest.meant == 134 && bench.count == 0)
    #expect(bench.tracker.table.checkInvariants() == nil)
  }

  @Test func `a change is made to all that are meant, as far as it can be`() {
    let bench = Self.bench(60)
    bench.order(.update, Self.flow(3).with { $0.status = Connection.Status.seenReply }.change(.status))
    _ = bench.told()
    let change = Self.flow(1).with { $0.mark = 5 }.change([.mark, .status])
      .with { $0.clearedStatus = Connection.Status.seenReply }
    let found = run(ConnectionScan(.update, filter: Self.marked, change: change), on: bench, slices: { 16 })
    #expect(found.meant == 19 && !found.ports.contains(3), "what was seen cannot be unseen")
    #expect(bench.connections.count { $0.mark == 5 } == 19)
    #expect(bench.told().count == 19)
  }

  @Test func `what is over is not found`() {
    let bench = Self.bench(10)
    bench.order(.update, Self.flow(4).with { $0.remaining = 1000 }.change(.timeout))
    bench.advance(.seconds(2))
    let found = run(ConnectionScan(.update, filter: ConnectionFilter()), on: bench, slices: { 3 })
    #expect(found.ports == [1, 2, 3, 5, 6, 7, 8, 9, 10])
  }

  /// C18, F23, C41: who lives through the scan is found once, whoever comes and goes meanwhile.
  @Test func `a table that changes between slices gives every survivor once`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<60 {
      let bench = Self.bench(150)
      var gone: Set<UInt16> = []
      var next: UInt16 = 1000
      let found = run(
        ConnectionScan(.update, filter: ConnectionFilter()), on: bench,
        slices: { Int.random(in: 1...20, using: &chance) },
        between: {
          for _ in 0..<Int.random(in: 0...6, using: &chance) {
            if Bool.random(using: &chance) {
              Self.add(next, to: bench)
              next += 1
            } else if let port = (1...150).filter({ !gone.contains($0) }).randomElement(using: &chance) {
              bench.order(.delete, Self.flow(port).change())
              gone.insert(port)
            }
          }
        })
      let old = found.ports.filter { $0 <= 150 }
      #expect(Set(old).count == old.count && Set(found.ports).count == found.ports.count, "none twice")
      #expect(Set(old).isSuperset(of: Set(1...150).subtracting(gone)), "each that stayed")
    }
  }

  /// A cursor comes from outside.
  @Test(arguments: [Int.min, -1, 10, 11, 1 << 24, Int.max])
  func `a scan that begins nowhere ends at once`(from: Int) {
    let bench = Self.bench(10)
    var scan = ConnectionScan(.delete, filter: Self.marked, from: from)
    var filled = 0
    var images = [dpdkfwd_ct_image](repeating: dpdkfwd_ct_image(), count: 32)
    let meant = unsafe images.withUnsafeMutableBufferPointer {
      unsafe bench.tracker.carryOut(&scan, most: 64, $0, filled: &filled)
    }
    #expect(meant == (from < 0 ? 3 : 0) && scan.next == bench.tracker.table.slotsUsed)
  }

  @Test func `buckets are counted once each, in slices of any size`() {
    let bench = Self.bench(200)
    for size in [1, 7, 2048] {
      var counts = [UInt8](repeating: 0, count: size)
      var (first, entries) = (0, 0)
      while first < bench.tracker.bucketCount {
        let count = unsafe counts.withUnsafeMutableBufferPointer {
          unsafe bench.tracker.countBuckets(from: first, into: $0)
        }
        guard count > 0 else { break }
        entries += counts[..<count].reduce(0) { $0 + Int($1) }
        first += count
      }
      #expect(entries == 200 && first == bench.tracker.bucketCount)
    }
    var one: [UInt8] = [9]
    for from in [-1, bench.tracker.bucketCount, Int.max] {
      let count = unsafe one.withUnsafeMutableBufferPointer { unsafe bench.tracker.countBuckets(from: from, into: $0) }
      #expect(count == 0 && one == [9])
    }
  }
}
