internal import Segment

/// Reads the connections of a worker out of its arenas, fields bound by name once. A class, for it is asked a million
/// times and large.
final class ConnectionReader {
  let shard: Int
  let epoch: UInt32
  private let lcore: UInt64
  /// Nanoseconds of CLOCK_MONOTONIC where the worker's clock began.
  private let clockZero: UInt64
  private let connections: ArenaReader
  private let extensions: ArenaReader
  private let fields: Fields
  private let parts: Parts

  /// The workers of a segment; fails with `.fields` when it tracks nothing.
  static func all(_ reader: SegmentReader) throws(SegmentError) -> [ConnectionReader] {
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
    self.connections = ArenaReader(reader, connections, shard: shard.shard)
    self.extensions = ArenaReader(reader, extensions, shard: shard.shard)
    self.fields = fields
    self.parts = parts
  }

  var slots: Int { connections.kind.records }

  /// The connection in a slot; `nil` when there is none, it has expired, or it changed in each of the attempts.
  ///
  /// - Parameter now: nanoseconds of CLOCK_MONOTONIC.
  func connection(at slot: Int, now: UInt64, attempts: Int = 8) -> Connection? {
    let clock = UInt32(truncatingIfNeeded: Int64(bitPattern: now &- clockZero) / 1_000_000)
    for _ in 0..<attempts {
      guard let record = connections.record(at: slot) else { return nil }
      let deadline = UInt32(truncatingIfNeeded: record.number(fields.deadline))
      let remaining = Int(Int32(bitPattern: deadline &- clock))
      guard remaining > 0 else { return nil }
      let life = UInt32(truncatingIfNeeded: record.number(fields.generation))
      guard let chain = chain(of: record, life: life), connections.generation(at: slot) == life else { continue }
      return connection(record, chain, slot: slot, deadline: deadline, remaining: remaining)
    }
    return nil
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

  private func connection(
    _ record: Record, _ chain: [Record], slot: Int, deadline: UInt32, remaining: Int
  ) -> Connection {
    func number(_ field: Field) -> UInt64 { record.number(field) }
    let flags = number(fields.flags)
    let isIPv6 = flags & 4 != 0
    let `protocol` = UInt8(truncatingIfNeeded: number(fields.protocol))
    var original = Connection.Tuple(
      source: record.value(of: fields.source).description,
      destination: record.value(of: fields.destination).description,
      sourcePort: UInt16(truncatingIfNeeded: number(fields.sourcePort)),
      destinationPort: UInt16(truncatingIfNeeded: number(fields.destinationPort)),
      zone: UInt16(truncatingIfNeeded: number(fields.zone)))
    if isIPv6, let addresses = chain.first(where: { $0.number(parts.kind) == 1 }) {
      original.source = addresses.value(of: parts.source).description
      original.destination = addresses.value(of: parts.destination).description
    }
    var reply = original.turned(protocol: `protocol`)
    if let own = chain.first(where: { $0.number(parts.kind) == 2 }) { reply = tuple(own, isIPv6: isIPv6) }
    let labels: [UInt8]? = chain.map { $0.bytes(of: parts.labels) }.first { $0.contains { $0 != 0 } }
    let generation = UInt32(truncatingIfNeeded: number(fields.generation))
    return Connection(
      id: ConnectionID(shard: shard, epoch: epoch, slot: slot, generation: generation), lcore: lcore, isIPv6: isIPv6,
      protocol: `protocol`, state: number(fields.state), original: original, reply: reply,
      counts: (
        Connection.Count(packets: number(fields.packetsOriginal), bytes: number(fields.bytesOriginal)),
        Connection.Count(packets: number(fields.packetsReply), bytes: number(fields.bytesReply))
      ),
      sides: (
        Connection.Side(
          scale: number(fields.scales) & 15, flags: number(fields.tcpFlagsOriginal), tag: number(fields.endOriginal)),
        Connection.Side(
          scale: number(fields.scales) >> 4, flags: number(fields.tcpFlagsReply), tag: number(fields.endReply))
      ),
      status: number(fields.status), mark: number(fields.mark), labels: labels ?? [], start: number(fields.start),
      deadline: deadline, remaining: remaining,
      cached: (
        number(fields.cachedGeneration), number(fields.egressOriginal).remembered,
        number(fields.egressReply).remembered
      ))
  }

  private func tuple(_ part: Record, isIPv6: Bool) -> Connection.Tuple {
    Connection.Tuple(
      source: part.address(parts.source, isIPv6: isIPv6), destination: part.address(parts.destination, isIPv6: isIPv6),
      sourcePort: UInt16(truncatingIfNeeded: part.number(parts.sourcePort)),
      destinationPort: UInt16(truncatingIfNeeded: part.number(parts.destinationPort)),
      zone: UInt16(truncatingIfNeeded: part.number(parts.zone)))
  }
}

/// The fields of `ct` that are read, bound by name once.
private struct Fields {
  let generation, `protocol`, source, destination, sourcePort, destinationPort, zone, status, deadline, start,
    state, mark, flags, cachedGeneration, egressOriginal, egressReply, packetsOriginal, bytesOriginal,
    packetsReply, bytesReply, `extension`, endOriginal, endReply, tcpFlagsOriginal, tcpFlagsReply, scales: Field

  init(_ kind: Kind) throws(SegmentError) {
    var field = FieldBinder(kind)
    generation = field("generation")
    `protocol` = field("protocol")
    source = field("source")
    destination = field("destination")
    sourcePort = field("source_port")
    destinationPort = field("destination_port")
    zone = field("zone")
    status = field("status")
    deadline = field("deadline")
    start = field("start")
    state = field("state")
    mark = field("mark")
    flags = field("flags")
    cachedGeneration = field("cached_generation")
    egressOriginal = field("egress_original")
    egressReply = field("egress_reply")
    packetsOriginal = field("packets_original")
    bytesOriginal = field("bytes_original")
    packetsReply = field("packets_reply")
    bytesReply = field("bytes_reply")
    `extension` = field("extension")
    endOriginal = field("end_original")
    endReply = field("end_reply")
    tcpFlagsOriginal = field("tcp_flags_original")
    tcpFlagsReply = field("tcp_flags_reply")
    scales = field("scales")
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

extension UInt64 {
  /// A port, or `nil` for what stands where none is remembered.
  fileprivate var remembered: UInt64? { self == 255 ? nil : self }
}
