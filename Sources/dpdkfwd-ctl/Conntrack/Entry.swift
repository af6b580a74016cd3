internal import CSegment
internal import Segment

// What is to be made, or made of what is there.
extension ConntrackValues {
  /// The connection that `-I` and `-A` describe. What was not said of one direction follows from the other.
  func entry() throws(ConntrackFailure) -> Connection {
    guard translation.isEmpty else { throw .operation("address translation is not supported yet") }
    guard !hasUntrackedState else { throw .operation("states of DCCP are not supported yet") }
    var entry = Connection()
    entry.isIPv6 = isIPv6 ?? false
    entry.protocol = self.protocol ?? 0
    fillTuples(&entry)
    entry.status = status ?? 0
    entry.remaining = milliseconds ?? 0
    entry.mark = mark?.value ?? 0
    entry.labels = labelsAdd ?? Connection.Labels()
    entry.state = state ?? 0
    switch entry.protocol {
    // No window is known, so none is enforced until the ends have shown theirs: as netfilter has it.
    case Connection.Number.tcp: (entry.details.flags_original, entry.details.flags_reply) = (Self.loose, Self.loose)
    case Connection.Number.sctp: entry.tags = (tags.original ?? 0, tags.reply ?? 0)
    default: break
    }
    return entry
  }

  /// SACK_PERM and BE_LIBERAL.
  private static let loose: UInt8 = 1 << 1 | 1 << 3

  private var milliseconds: UInt32? { timeout.map { $0 > .max / 1000 ? .max : $0 * 1000 } }

  private func fillTuples(_ entry: inout Connection) {
    let (given, answer) = (original, reply)
    if let address = given.source ?? answer.destination { entry.original.source = address.bits }
    if let address = given.destination ?? answer.source { entry.original.destination = address.bits }
    entry.original.sourcePort = given.sourcePort ?? answer.destinationPort ?? 0
    entry.original.destinationPort = given.destinationPort ?? answer.sourcePort ?? 0
    if icmp.type != nil { fillQuery(&entry.original) }
    entry.reply = entry.original.turned(isICMP: entry.isICMP, isIPv6: entry.isIPv6)
    if let address = answer.source { entry.reply.source = address.bits }
    if let address = answer.destination { entry.reply.destination = address.bits }
    if let port = answer.sourcePort { entry.reply.sourcePort = port }
    if let port = answer.destinationPort { entry.reply.destinationPort = port }
    entry.original.zone = original.zone ?? zone ?? 0
    entry.reply.zone = reply.zone ?? zone ?? 0
  }

  private func fillQuery(_ tuple: inout Connection.Tuple) {
    tuple.sourcePort = icmp.id ?? 0
    tuple.destinationPort = UInt16(icmp.type ?? 0) << 8 | UInt16(icmp.code ?? 0)
  }

  /// What `-U` is to change; `nil`: nothing.
  func change() throws(ConntrackFailure) -> ConnectionChange? {
    var change = ConnectionChange()
    change.values.protocol = self.protocol ?? 0
    if let status {
      change.values.status = status
      change.attributes.insert(.status)
    }
    if let milliseconds {
      change.values.remaining = milliseconds
      change.attributes.insert(.timeout)
    }
    if let state {
      change.values.state = state
      change.attributes.insert(.state)
    }
    // One of them alone would make the other 0.
    switch tags {
    case (let original?, let reply?):
      change.values.tags = (original, reply)
      change.attributes.insert(.details)
    case (_?, nil): throw .parameters("You need to supply the `--reply-vtag' option for this command")
    case (nil, _?): throw .parameters("You need to supply the `--orig-vtag' option for this command")
    case (nil, nil): break
    }
    if let mark {
      (change.values.mark, change.markMask) = mark
      change.attributes.insert(.mark)
    }
    if let labels = labelsAdd {
      (change.values.labels, change.labelMask) = (labels, labels)
      change.attributes.insert(.labels)
    }
    if let labels = labelsDelete {
      change.labelMask = labels
      change.attributes.insert(.labels)
    }
    return change.attributes.isEmpty ? nil : change
  }
}
