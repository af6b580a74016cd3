internal import Primitives
public import Segment

/// Reads the connections of a worker out of its arenas, fields bound by name once. A class, for it is asked a million
/// times and large.
public final class ConnectionReader: Sendable {
  public let shard: Int
  /// Of the worker's tables: connections of another one are gone.
  public let epoch: UInt32
  public let lcore: UInt64
  /// Slots that may have held a connection by the time the reader was made; those beyond have had none. Some more than
  /// the worker had said by then, for what it does between two times that it says so.
  public let slotsUsed: Int
  /// Nanoseconds of CLOCK_MONOTONIC where the worker's clock began.
  private let clockZero: UInt64
  private let connections: ArenaReader
  private let extensions: ArenaReader
  private let fields: Fields
  private let parts: Parts

  /// The workers of a segment; fails with `.fields` when it tracks nothing.
  public static func all(_ reader: SegmentReader) throws(SegmentError) -> [ConnectionReader] {
    let connections = try ArenaReader.arena("ct", of: reader)
    let extensions = try ArenaReader.arena("ct_extensions", of: reader)
    let fields = try Fields(connections)
    let parts = try Parts(extensions)
    let shards = reader.records(of: try reader.kind("ct_shards", having: ["lcore", "epoch", "clock_zero"]))
    return shards.filter { $0.shard < min(connections.shards, extensions.shards) }.map { shard in
      ConnectionReader(reader, shard, connections: connections, fields: fields, extensions: extensions, parts: parts)
    }
  }

  private init(
    _ reader: SegmentReader, _ shard: Record, connections: Kind, fields: Fields, extensions: Kind, parts: Parts
  ) {
    self.shard = shard.shard
    epoch = UInt32(truncatingIfNeeded: shard.number("epoch") ?? 0)
    lcore = shard.number("lcore") ?? 0
    clockZero = shard.number("clock_zero") ?? 0
    let used = min(connections.records, Int(clamping: shard.number("slots_used") ?? .max))
    slotsUsed = min(connections.records, used + Self.slotsUntold)
    self.connections = ArenaReader(reader, connections, shard: shard.shard)
    self.extensions = ArenaReader(reader, extensions, shard: shard.shard)
    self.fields = fields
    self.parts = parts
  }

  /// More than a worker can begin to use in a millisecond on request, or in a breath with packets.
  private static let slotsUntold = 2048

  /// Connections that there is room for.
  public var slots: Int { connections.kind.records }

  /// The connection in a slot; `nil` when there is none, it has expired, it changed in each of the attempts, or the
  /// filter does not take it.
  ///
  /// - Parameter now: nanoseconds of CLOCK_MONOTONIC.
  public func connection(
    at slot: Int, now: UInt64, filter: ConnectionFilter = ConnectionFilter(), attempts: Int = 8
  ) -> Connection? {
    let clock = UInt32(truncatingIfNeeded: Int64(bitPattern: now &- clockZero) / 1_000_000)
    for _ in 0..<attempts {
      guard let record = connections.record(at: slot) else { return nil }
      let remaining = Int32(bitPattern: record.number32(fields.common.deadline) &- clock)
      // What is offloaded expires in its flow table.
      let isKept = record.number16(fields.common.status) & Self.offloaded != 0
      guard remaining > 0 || isKept, isLikely(record, filter) else { return nil }
      let life = record.number32(fields.generation)
      guard let chain = chain(of: record, life: life), connections.generation(at: slot) == life else { continue }
      var connection = connection(record, chain)
      connection.id = ConnectionID(shard: shard, epoch: epoch, slot: slot, generation: life)
      connection.remaining = UInt32(max(0, remaining))
      connection.flowTable = isKept ? record.number8(fields.flowTable) & 15 : 0
      return filter.takes(connection) ? connection : nil
    }
    return nil
  }

  private static let offloaded = Connection.Status.offloaded | Connection.Status.offloadedToHardware

  /// The connection of that number, if it lives.
  public func connection(_ id: ConnectionID, now: UInt64) -> Connection? {
    guard id.shard == shard, id.epoch == epoch & 0xf, id.slot < slots else { return nil }
    let connection = connection(at: id.slot, now: now)
    return connection?.id == id ? connection : nil
  }

  private func isLikely(_ record: Record, _ filter: ConnectionFilter) -> Bool {
    filter.isEmpty
      || filter.isLikely(
        zone: record.number16(fields.common.zone), protocol: record.number8(fields.common.protocol),
        isIPv6: fields.common.isIPv6(record), status: record.number16(fields.common.status),
        mark: record.number32(fields.common.mark), state: record.number8(fields.common.state))
  }

  /// The connection's extensions, in order; `nil` when one of them is not its own, or no more.
  private func chain(of record: Record, life: UInt32) -> [Record]? {
    var chain: [Record] = []
    var next = record.number(fields.extension)
    while next != 0 {
      guard chain.count < 4, next <= UInt64(extensions.kind.records),
        let part = extensions.record(at: Int(next) - 1), part.number(parts.owner) == UInt64(life)
      else { return nil }
      chain.append(part)
      next = part.number(parts.next)
    }
    return chain
  }

  private func connection(_ record: Record, _ chain: [Record]) -> Connection {
    var connection = fields.common.connection(record)
    if connection.isIPv6, let addresses = chain.first(where: { $0.number(parts.kind) == 1 }) {
      connection.original.source = addresses.address(parts.source)
      connection.original.destination = addresses.address(parts.destination)
    }
    if let own = chain.first(where: { $0.number(parts.kind) == 2 }) {
      connection.reply = tuple(own, isIPv6: connection.isIPv6)
    } else {
      connection.reply = connection.original.turned(isICMP: connection.isICMP, isIPv6: connection.isIPv6)
    }
    connection.labels =
      chain.lazy.map { Connection.Labels($0.address(self.parts.labels)) }.first { !$0.isEmpty } ?? Connection.Labels()
    return connection
  }

  private func tuple(_ part: Record, isIPv6: Bool) -> Connection.Tuple {
    Connection.Tuple(
      source: part.address(parts.source, isIPv6: isIPv6), destination: part.address(parts.destination, isIPv6: isIPv6),
      sourcePort: part.number16(parts.sourcePort),
      destinationPort: part.number16(parts.destinationPort), zone: part.number16(parts.zone))
  }
}

extension Connection.Labels {
  /// Sixteen bytes, bit 0 first.
  init(_ bytes: IPv6Address) { self.init(low: bytes.high.byteSwapped, high: bytes.low.byteSwapped) }
}

/// The fields of `ct` that are read, bound by name once.
private struct Fields {
  let generation, `extension`, flowTable: Field
  let common: ConnectionFields

  init(_ kind: Kind) throws(SegmentError) {
    var field = FieldBinder(kind)
    generation = field("generation")
    `extension` = field("extension")
    flowTable = field("flow_table")
    common = ConnectionFields(&field)
    try field.end()
  }
}

/// The same of `ct_extensions`.
private struct Parts {
  let owner, next, source, destination, sourcePort, destinationPort, zone, kind, labels: Field

  init(_ kind: Kind) throws(SegmentError) {
    var field = FieldBinder(kind)
    owner = field("owner")
    next = field("next")
    source = field("source")
    destination = field("destination")
    sourcePort = field("source_port")
    destinationPort = field("destination_port")
    zone = field("zone")
    self.kind = field("kind")
    labels = field("labels")
    try field.end()
  }
}
