internal import Segment

/// The fields of records that tell of events, of rings and of the dying list, bound by name once.
struct EventFields {
  private let common: ConnectionFields
  private let sequence, at, kind, originator, client, changes, id, timeout, replySource, replyDestination,
    replySourcePort, replyDestinationPort, replyZone, labels: Field

  init(_ kind: Kind) throws(SegmentError) {
    var field = FieldBinder(kind)
    common = ConnectionFields(&field)
    sequence = field("sequence")
    at = field("at")
    self.kind = field("event")
    originator = field("originator")
    client = field("client")
    changes = field("changes")
    id = field("id")
    timeout = field("timeout")
    replySource = field("reply_source")
    replyDestination = field("reply_destination")
    replySourcePort = field("reply_source_port")
    replyDestinationPort = field("reply_destination_port")
    replyZone = field("reply_zone")
    labels = field("labels")
    try field.end()
  }

  /// `nil` for a kind of event that a later version brought.
  func event(_ record: Record) -> ConnectionEvent? {
    guard let kind = ConnectionEvent.Kind(rawValue: record.number8(kind)),
      let originator = ConnectionEvent.Originator(rawValue: record.number8(originator))
    else { return nil }
    return ConnectionEvent(
      sequence: record.number(sequence), shard: record.shard, at: record.number(at), kind: kind,
      originator: originator, client: record.number32(client),
      changes: ConnectionEvent.Changes(rawValue: record.number16(changes)), connection: connection(record))
  }

  private func connection(_ record: Record) -> Connection {
    var connection = common.connection(record)
    let isIPv6 = connection.isIPv6
    connection.id = ConnectionID(rawValue: record.number(id))
    connection.remaining = record.number32(timeout)
    connection.original.source = record.address(common.source, isIPv6: isIPv6)
    connection.original.destination = record.address(common.destination, isIPv6: isIPv6)
    connection.reply = Connection.Tuple(
      source: record.address(replySource, isIPv6: isIPv6),
      destination: record.address(replyDestination, isIPv6: isIPv6),
      sourcePort: record.number16(replySourcePort), destinationPort: record.number16(replyDestinationPort),
      zone: record.number16(replyZone))
    connection.labels = Connection.Labels(record.address(labels))
    return connection
  }
}

/// The same of fragments that were given up.
struct FragmentEventFields {
  private let at, source, destination, identification, zone, `protocol`, family, reason, fragments, bytes: Field

  init(_ kind: Kind) throws(SegmentError) {
    var field = FieldBinder(kind)
    at = field("at")
    source = field("source")
    destination = field("destination")
    identification = field("identification")
    zone = field("zone")
    `protocol` = field("protocol")
    family = field("family")
    reason = field("reason")
    fragments = field("fragments")
    bytes = field("bytes")
    try field.end()
  }

  func event(_ record: Record, number: UInt64) -> FragmentListEvent {
    let isIPv6 = record.number(family) != 0
    return FragmentListEvent(
      sequence: number, shard: record.shard, at: record.number(at), isIPv6: isIPv6,
      source: record.address(source, isIPv6: isIPv6), destination: record.address(destination, isIPv6: isIPv6),
      identification: record.number32(identification), zone: record.number16(zone),
      protocol: record.number8(`protocol`), reason: record.value(of: reason).description,
      fragments: record.number32(fragments), bytes: record.number32(bytes))
  }
}
