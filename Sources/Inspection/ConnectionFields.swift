internal import CSegment
internal import Segment

/// The fields that records of connections and events of them have in common, bound by name once.
struct ConnectionFields {
  let `protocol`, source, destination, sourcePort, destinationPort, zone, status, deadline, start, state, mark, flags,
    cachedGeneration, egressOriginal, egressReply, packetsOriginal, bytesOriginal, packetsReply, bytesReply: Field
  private let tcp: TCPFields

  init(_ field: inout FieldBinder) {
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
    tcp = TCPFields(&field)
  }

  func isIPv6(_ record: Record) -> Bool { record.number(flags) & UInt64(DPDKFWD_CT_IPV6) != 0 }

  /// All that the record says by itself: neither id nor reply tuple nor labels.
  func connection(_ record: Record) -> Connection {
    var connection = Connection()
    connection.isIPv6 = isIPv6(record)
    connection.protocol = record.number8(`protocol`)
    connection.original = Connection.Tuple(
      source: record.address(source), destination: record.address(destination),
      sourcePort: record.number16(sourcePort), destinationPort: record.number16(destinationPort),
      zone: record.number16(zone))
    connection.counts = (
      Connection.Count(packets: record.number(packetsOriginal), bytes: record.number(bytesOriginal)),
      Connection.Count(packets: record.number(packetsReply), bytes: record.number(bytesReply))
    )
    connection.status = record.number16(status)
    connection.state = record.number8(state)
    connection.mark = record.number32(mark)
    connection.start = record.number32(start)
    connection.deadline = record.number32(deadline)
    connection.details = tcp.details(record)
    connection.cached = (
      record.number16(cachedGeneration), record.number8(egressOriginal), record.number8(egressReply)
    )
    return connection
  }
}

/// The fields of what a protocol's tracker remembers.
private struct TCPFields {
  private struct Side {
    let end, maxEnd, maxWindow, maxAck, flags: Field

    init(_ field: inout FieldBinder, _ side: String) {
      end = field("end_\(side)")
      maxEnd = field("max_end_\(side)")
      maxWindow = field("max_window_\(side)")
      maxAck = field("max_ack_\(side)")
      flags = field("tcp_flags_\(side)")
    }

    func read(_ record: Record) -> dpdkfwd_ct_tcp_side {
      dpdkfwd_ct_tcp_side(
        end: record.number32(end), max_end: record.number32(maxEnd), max_window: record.number32(maxWindow),
        max_ack: record.number32(maxAck))
    }
  }

  private let original, reply: Side
  private let lastSequence, lastAcknowledgement, lastEnd, lastWindow, scales, lastSegment, lastFlags,
    retransmissions: Field

  init(_ field: inout FieldBinder) {
    original = Side(&field, "original")
    reply = Side(&field, "reply")
    lastSequence = field("last_sequence")
    lastAcknowledgement = field("last_acknowledgement")
    lastEnd = field("last_end")
    lastWindow = field("last_window")
    scales = field("scales")
    lastSegment = field("last_segment")
    lastFlags = field("last_flags")
    retransmissions = field("retransmissions")
  }

  func details(_ record: Record) -> dpdkfwd_ct_tcp {
    dpdkfwd_ct_tcp(
      original: original.read(record), reply: reply.read(record), last_sequence: record.number32(lastSequence),
      last_acknowledgement: record.number32(lastAcknowledgement), last_end: record.number32(lastEnd),
      last_window: record.number16(lastWindow), flags_original: record.number8(original.flags),
      flags_reply: record.number8(reply.flags), scales: record.number8(scales),
      last_segment: record.number8(lastSegment), last_flags: record.number8(lastFlags),
      retransmissions: record.number8(retransmissions))
  }
}
