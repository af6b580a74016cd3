import CSegment
import Foundation
import Primitives
import Segment
import Synchronization

/// Workers that keep connections and tell of them as the forwarder's do, in a segment of their own.
final class Station {
  let root = "/dev/shm/dpdkfwd-inspection-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
  let writer: SegmentWriter
  let reader: SegmentReader
  let slots: Int
  /// By worker and slot, as the tables have them.
  private(set) var table: [[Int: Connection]]
  private var rings: [RingWriter<dpdkfwd_ct_event_record>]
  private var fragmentRings: [RingWriter<dpdkfwd_frag_event_record>]
  private var lives: [[UInt32]]
  private var dying: [Int]
  /// Nanoseconds since 1970, of the next event.
  var time: UInt64 = 1_000_000_000_000_000_000

  static let epoch: UInt32 = 3
  /// Milliseconds of the workers' clocks: time stands still.
  static let clock: UInt32 = 5000
  static let reasons = ["accepted", "completed", "expired", "overlapped"]

  init(workers: Int = 2, slots: Int = 64, events: Int = 64, dying: Int = 64) throws {
    let schema = ForwarderSchema.make(
      lcores: workers, ports: 1, queues: 2, pools: 1, dropReasons: ["x"], invalidReasons: ["x"], packetKinds: ["x"],
      stages: ["x"], history: 1,
      tracking: TrackingTables(connections: slots, extensions: 2 * slots, faults: ["none"], cacheMisses: ["x"]),
      fragments: FragmentTables(
        datagrams: 1, fragments: 1, fragmentEvents: Self.reasons, datagramEvents: ["started"]),
      events: EventTables(events: events, fragmentEvents: events, dying: dying))
    writer = try SegmentWriter(
      prefix: "t", schema: schema, options: SegmentOptions(root: root), writer: "test", tscHz: 1_000_000_000)
    reader = try SegmentReader(SegmentPaths(root: root, prefix: "t"))
    self.slots = slots
    table = Array(repeating: [:], count: workers)
    lives = Array(repeating: Array(repeating: 0, count: slots), count: workers)
    self.dying = Array(repeating: 0, count: workers)
    let writer = writer
    rings = (0..<workers).map { writer.connectionEvents($0) }
    fragmentRings = (0..<workers).map { writer.fragmentListEvents($0) }
    for shard in 0..<workers {
      let record = unsafe writer.connectionShard(shard)
      unsafe record.pointee.lcore = UInt32(shard + 1)
      unsafe record.pointee.epoch = Self.epoch
      unsafe record.pointee.clock_zero = 0
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  /// When time stands still, for who reads the tables.
  var frozen: UInt64 { UInt64(Self.clock) * 1_000_000 }

  /// Connections of all workers, by number.
  var connections: [ConnectionID: Connection] {
    Dictionary(uniqueKeysWithValues: table.flatMap(\.values).map { ($0.id, $0) })
  }

  // MARK: What workers do

  /// Opens a connection in a slot that is free.
  @discardableResult
  func begin(_ connection: Connection, shard: Int, slot: Int, tells: Bool = true) -> Connection {
    lives[shard][slot] += 1
    var connection = connection
    connection.id = ConnectionID(shard: shard, epoch: Self.epoch, slot: slot, generation: lives[shard][slot])
    if connection.remaining == 0 { connection.remaining = 30_000 }
    connection.deadline = Self.clock &+ connection.remaining
    connection.cached = (0, 255, 255)
    table[shard][slot] = connection
    store(connection)
    if tells { tell(.new, connection) }
    return connection
  }

  func change(
    shard: Int, slot: Int, _ changes: ConnectionEvent.Changes, tells: Bool = true, _ change: (inout Connection) -> Void
  ) {
    guard var connection = table[shard][slot] else { return }
    change(&connection)
    connection.deadline = Self.clock &+ connection.remaining
    table[shard][slot] = connection
    store(connection)
    if tells { tell(.update, connection, changes) }
  }

  /// - Parameters:
  ///   - keeps: it goes into the dying list.
  ///   - last: what happens to its counts before.
  func end(shard: Int, slot: Int, keeps: Bool = false, tells: Bool = true, last: (inout Connection) -> Void = { _ in })
  {
    guard var connection = table[shard].removeValue(forKey: slot) else { return }
    last(&connection)
    let record = unsafe writer.connections(shard) + slot
    unsafe cell(record, MemoryLayout<dpdkfwd_ct_record>.offset(of: \.generation)!).pointee.store(
      0, ordering: .releasing)
    let number = rings[shard].written + 1
    if tells { tell(.destroy, connection) }
    guard keeps else { return }
    let place = unsafe writer.dyingConnections(shard) + dying[shard]
    dying[shard] += 1
    unsafe fill(&place.pointee.event, .destroy, connection, [])
    unsafe place.pointee.event.sequence = number
    unsafe cell(place, 0).pointee.store(1, ordering: .releasing)
  }

  func discard(_ reason: String, zone: UInt16 = 0, shard: Int = 0) {
    let time = time
    unsafe fragmentRings[shard].append { entry in
      unsafe entry.pointee.at = time
      unsafe entry.pointee.source.0 = 192
      unsafe entry.pointee.destination.3 = 7
      unsafe entry.pointee.identification = 77
      unsafe entry.pointee.fragments = 2
      unsafe entry.pointee.bytes = 3000
      unsafe entry.pointee.zone = zone
      unsafe entry.pointee.protocol = 17
      unsafe entry.pointee.reason = UInt8(Self.reasons.firstIndex(of: reason)!)
    }
    self.time += 1000
  }

  func written(_ shard: Int) -> UInt64 { rings[shard].written }

  // MARK: Records

  private func tell(_ kind: ConnectionEvent.Kind, _ connection: Connection, _ changes: ConnectionEvent.Changes = []) {
    unsafe rings[connection.id.shard].append { entry in
      let number = unsafe entry.pointee.sequence
      unsafe fill(&entry.pointee, kind, connection, changes)
      unsafe entry.pointee.sequence = number
    }
    time += 1000
  }

  private func fill(
    _ record: inout dpdkfwd_ct_event_record, _ kind: ConnectionEvent.Kind, _ connection: Connection,
    _ changes: ConnectionEvent.Changes
  ) {
    record.at = time
    record.kind = kind.rawValue
    record.changes = changes.rawValue
    record.image.id = connection.id.rawValue
    record.image.timeout = connection.remaining
    record.image.record = self.record(connection)
    record.image.reply_source_port = connection.reply.sourcePort
    record.image.reply_destination_port = connection.reply.destinationPort
    record.image.reply_zone = connection.reply.zone
    Self.store(connection.original.source, in: &record.image.source)
    Self.store(connection.original.destination, in: &record.image.destination)
    Self.store(connection.reply.source, in: &record.image.reply_source)
    Self.store(connection.reply.destination, in: &record.image.reply_destination)
    Self.store(Self.wire(connection.labels), in: &record.image.labels)
  }

  private func record(_ connection: Connection) -> dpdkfwd_ct_record {
    var record = dpdkfwd_ct_record()
    record.flags = connection.isIPv6 ? 4 : 0
    record.protocol = connection.protocol
    record.source = connection.isIPv6 ? 1 : connection.original.source.ipv4.bits.bigEndian
    record.destination = connection.isIPv6 ? 2 : connection.original.destination.ipv4.bits.bigEndian
    record.source_port = connection.original.sourcePort
    record.destination_port = connection.original.destinationPort
    record.zone = connection.original.zone
    record.deadline = connection.deadline
    record.start = connection.start
    record.status = connection.status
    record.state = connection.state
    record.mark = connection.mark
    record.cached_egress = (255, 255)
    (record.packets_original, record.bytes_original) = (
      connection.counts.original.packets, connection.counts.original.bytes
    )
    (record.packets_reply, record.bytes_reply) = (connection.counts.reply.packets, connection.counts.reply.bytes)
    record.tcp = connection.details
    return record
  }

  /// As a worker does it: the generation goes first and comes last.
  private func store(_ connection: Connection) {
    let (shard, slot, life) = (connection.id.shard, connection.id.slot, connection.id.generation)
    let place = unsafe writer.connections(shard) + slot
    let generation = unsafe cell(place, MemoryLayout<dpdkfwd_ct_record>.offset(of: \.generation)!)
    unsafe generation.pointee.store(0, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    var record = record(connection)
    var parts: [dpdkfwd_ct_extension_record] = []
    if connection.isIPv6 { parts.append(part(1, connection.original)) }
    if connection.reply != connection.original.turned(isICMP: connection.isICMP, isIPv6: connection.isIPv6) {
      parts.append(part(2, connection.reply))
    }
    if parts.isEmpty, !connection.labels.isEmpty { parts.append(dpdkfwd_ct_extension_record(kind: 3)) }
    for index in parts.indices {
      parts[index].owner = life
      parts[index].next = index + 1 < parts.count ? UInt32(2 * slot + index + 2) : 0
      if index == 0 { Self.store(Self.wire(connection.labels), in: &parts[index].labels) }
      unsafe (writer.extensions(shard) + 2 * slot + index).pointee = parts[index]
    }
    record.extension = parts.isEmpty ? 0 : UInt32(2 * slot + 1)
    unsafe place.pointee = record
    unsafe generation.pointee.store(life, ordering: .releasing)
  }

  private func part(_ kind: UInt8, _ tuple: Connection.Tuple) -> dpdkfwd_ct_extension_record {
    var part = dpdkfwd_ct_extension_record(kind: kind)
    Self.store(tuple.source, in: &part.source)
    Self.store(tuple.destination, in: &part.destination)
    (part.source_port, part.destination_port, part.zone) = (tuple.sourcePort, tuple.destinationPort, tuple.zone)
    return part
  }

  private static func wire(_ labels: Connection.Labels) -> IPv6Address {
    IPv6Address(high: labels.low.byteSwapped, low: labels.high.byteSwapped)
  }

  private static func store<Bytes: BitwiseCopyable>(_ address: IPv6Address, in bytes: inout Bytes) {
    unsafe withUnsafeMutableBytes(of: &bytes) { bytes in
      unsafe bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
      unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
  }

  private func cell<Record>(
    _ record: UnsafeMutablePointer<Record>, _ offset: Int
  ) -> UnsafeMutablePointer<Atomic<UInt32>> {
    unsafe (UnsafeMutableRawPointer(record) + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
  }
}

extension dpdkfwd_ct_extension_record {
  fileprivate init(kind: UInt8) {
    self.init()
    self.kind = kind
  }
}
