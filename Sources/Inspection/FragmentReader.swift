internal import Segment

/// Reads the datagrams of which a worker holds fragments out of its arenas, fields bound by name once. A class, as
/// `ConnectionReader` is.
final class FragmentReader {
  private let lcore: UInt64
  /// Nanoseconds of CLOCK_MONOTONIC where the worker's clock began.
  private let clockZero: UInt64
  private let datagrams: ArenaReader
  private let pieces: ArenaReader
  private let fields: Fields
  private let parts: Parts

  /// The workers of a segment; fails with `.fields` when it puts nothing together.
  static func all(_ reader: SegmentReader) throws(SegmentError) -> [FragmentReader] {
    let datagrams = try ArenaReader.arena("frag", of: reader)
    let pieces = try ArenaReader.arena("frag_pieces", of: reader)
    let fields = try Fields(datagrams)
    let parts = try Parts(pieces)
    let shards = reader.records(of: try reader.kind("frag_shards", having: ["lcore", "clock_zero"]))
    return shards.filter { $0.shard < min(datagrams.shards, pieces.shards) }.map { shard in
      FragmentReader(reader, shard, datagrams: datagrams, fields: fields, pieces: pieces, parts: parts)
    }
  }

  private init(_ reader: SegmentReader, _ shard: Record, datagrams: Kind, fields: Fields, pieces: Kind, parts: Parts) {
    lcore = shard.number("lcore") ?? 0
    clockZero = shard.number("clock_zero") ?? 0
    self.datagrams = ArenaReader(reader, datagrams, shard: shard.shard)
    self.pieces = ArenaReader(reader, pieces, shard: shard.shard)
    self.fields = fields
    self.parts = parts
  }

  var slots: Int { datagrams.kind.records }

  /// The datagram in a slot; `nil` when there is none, or it changed in each of the attempts.
  ///
  /// - Parameters:
  ///   - now: nanoseconds of CLOCK_MONOTONIC.
  ///   - gaps: whether to look for what is missing, which takes a look at every fragment.
  func list(at slot: Int, now: UInt64, gaps: Bool, attempts: Int = 8) -> FragmentList? {
    let clock = UInt32(truncatingIfNeeded: Int64(bitPattern: now &- clockZero) / 1_000_000)
    for _ in 0..<attempts {
      guard let record = datagrams.record(at: slot) else { return nil }
      guard gaps else { return list(record, clock: clock, missing: nil) }
      let life = UInt32(truncatingIfNeeded: record.number(fields.generation))
      guard let missing = missing(from: record, life: life), datagrams.generation(at: slot) == life else { continue }
      return list(record, clock: clock, missing: missing)
    }
    return nil
  }

  /// The parts of the payload between the fragments; `nil` when one of them is not the datagram's own, is out of order,
  /// or they are not as many as its record says: it changes.
  private func missing(from record: Record, life: UInt32) -> [FragmentList.Gap]? {
    var gaps: [FragmentList.Gap] = []
    var (position, next) = (UInt64(0), record.number(fields.first))
    for _ in 0..<record.number(fields.fragments) {
      guard next != 0, next <= UInt64(pieces.kind.records), let piece = pieces.record(at: Int(next) - 1),
        piece.number(parts.owner) == UInt64(life), piece.number(parts.offset) >= position
      else { return nil }
      let offset = piece.number(parts.offset)
      if offset > position { gaps.append(FragmentList.Gap(first: position, last: offset - 1)) }
      (position, next) = (offset + piece.number(parts.length), piece.number(parts.next))
    }
    guard next == 0 else { return nil }
    let end = end(of: record)
    if end ?? .max > position { gaps.append(FragmentList.Gap(first: position, last: end.map { $0 - 1 })) }
    return gaps
  }

  private func end(of record: Record) -> UInt64? {
    let end = record.number(fields.end)
    return end == UInt64(UInt32.max) ? nil : end
  }

  private func list(_ record: Record, clock: UInt32, missing: [FragmentList.Gap]?) -> FragmentList {
    func number(_ field: Field) -> UInt64 { record.number(field) }
    func port(_ field: Field) -> UInt16 { UInt16(truncatingIfNeeded: number(field)) }
    func vlan(_ field: Field) -> UInt64? { number(field) == 0xffff ? nil : number(field) }
    /// Milliseconds until a moment on the worker's clock.
    func until(_ field: Field) -> Int { Int(Int32(bitPattern: UInt32(truncatingIfNeeded: number(field)) &- clock)) }
    let flags = number(fields.flags)
    let isIPv6 = flags & 1 != 0
    return FragmentList(
      lcore: lcore, isIPv6: isIPv6, source: record.address(fields.source, isIPv6: isIPv6),
      destination: record.address(fields.destination, isIPv6: isIPv6),
      identification: number(fields.identification),
      zone: UInt16(truncatingIfNeeded: number(fields.zone)),
      protocol: UInt8(truncatingIfNeeded: number(fields.protocol)),
      state: FragmentList.State(flags: flags, fragments: number(fields.fragments)),
      ports: flags & 2 == 0 ? nil : (port(fields.sourcePort), port(fields.destinationPort)),
      vlans: (vlan(fields.vlanOuter), vlan(fields.vlanInner)), fragments: number(fields.fragments),
      bytes: number(fields.bytes), mbufs: number(fields.mbufs), largest: number(fields.largest),
      covered: number(fields.covered), end: end(of: record), age: max(0, -until(fields.began)),
      remaining: max(0, until(fields.deadline)), missing: missing)
  }
}

/// The fields of `frag` that are read, bound by name once.
private struct Fields {
  let generation, identification, source, destination, zone, `protocol`, flags, vlanOuter, vlanInner, first, covered,
    end, fragments, bytes, mbufs, largest, began, deadline, sourcePort, destinationPort: Field

  init(_ kind: Kind) throws(SegmentError) {
    var field = FieldBinder(kind)
    generation = field("generation")
    identification = field("identification")
    source = field("source")
    destination = field("destination")
    zone = field("zone")
    `protocol` = field("protocol")
    flags = field("flags")
    vlanOuter = field("vlan_outer")
    vlanInner = field("vlan_inner")
    first = field("first")
    covered = field("covered")
    end = field("end")
    fragments = field("fragments")
    bytes = field("bytes")
    mbufs = field("mbufs")
    largest = field("largest")
    began = field("began")
    deadline = field("deadline")
    sourcePort = field("source_port")
    destinationPort = field("destination_port")
    try field.end()
  }
}

/// The same of `frag_pieces`.
private struct Parts {
  let owner, next, offset, length: Field

  init(_ kind: Kind) throws(SegmentError) {
    var field = FieldBinder(kind)
    owner = field("owner")
    next = field("next")
    offset = field("offset")
    length = field("length")
    try field.end()
  }
}
