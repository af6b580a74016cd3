internal import Primitives
internal import Segment

/// Which connections a command line means: what the forwarder's filters can say, and what is left to be looked at here.
struct Selection {
  var filter = ConnectionFilter()
  private var translation = TranslationFilter()
  /// Masks that are no prefixes, and what they leave of the original tuple's addresses.
  private var source: (mask: ConntrackAddress, value: IPv6Address)?
  private var destination: (mask: ConntrackAddress, value: IPv6Address)?
  /// What is asked for does not exist here.
  private(set) var isEmpty = false

  /// Whether `filter` says it all.
  var isPlain: Bool { translation.isEmpty && source == nil && destination == nil && !isEmpty }

  func takes(_ connection: Connection) -> Bool {
    guard !isEmpty, filter.takes(connection), translation.takes(connection) else { return false }
    return source.map { $0.mask.masked(connection.original.source) == $0.value } ?? true
      && destination.map { $0.mask.masked(connection.original.destination) == $0.value } ?? true
  }

  /// - Parameter changes: what would be a condition is to be set: `-U`.
  init(_ values: ConntrackValues, changes: Bool = false) {
    translation = values.translation
    if let id = values.id {
      filter.id = id
      filter.conditions.insert(.id)
    }
    if let isIPv6 = values.isIPv6 {
      filter.isIPv6 = isIPv6
      filter.conditions.insert(.family)
    }
    if let number = values.protocol {
      filter.protocol = number
      filter.conditions.insert(.protocol)
    }
    (source, destination) = (
      Self.odd(values.original.source, values.original.sourceMask),
      Self.odd(values.original.destination, values.original.destinationMask)
    )
    filter.original = Self.ends(values.original)
    addQuery(values.icmp)
    filter.reply = Self.ends(values.reply)
    addZones(values)
    if let labels = values.labels {
      filter.labels = labels
      filter.conditions.insert(.labels)
    }
    if !changes { addAttributes(values) }
  }

  private static func odd(
    _ address: ConntrackAddress?, _ mask: ConntrackAddress?
  ) -> (mask: ConntrackAddress, value: IPv6Address)? {
    guard let address, let mask, mask.prefixLength == nil else { return nil }
    return (mask, mask.masked(address.bits))
  }

  private static func ends(_ given: ConntrackValues.Ends) -> ConnectionFilter.Ends {
    var ends = ConnectionFilter.Ends()
    func prefix(_ address: ConntrackAddress?, _ mask: ConntrackAddress?) -> (UInt8, IPv6Address) {
      guard let address else { return (0, IPv6Address(high: 0, low: 0)) }
      let whole = address.isIPv6 ? 128 : 32
      let length = mask.map { $0.prefixLength ?? 0 } ?? whole
      return (UInt8(length), ConntrackAddress(prefix: length, isIPv6: address.isIPv6).masked(address.bits))
    }
    (ends.sourceBits, ends.tuple.source) = prefix(given.source, given.sourceMask)
    (ends.destinationBits, ends.tuple.destination) = prefix(given.destination, given.destinationMask)
    if let port = given.sourcePort { (ends.hasSourcePort, ends.tuple.sourcePort) = (true, port) }
    if let port = given.destinationPort { (ends.hasDestinationPort, ends.tuple.destinationPort) = (true, port) }
    return ends
  }

  private mutating func addQuery(_ icmp: (type: UInt8?, code: UInt8?, id: UInt16?)) {
    if let id = icmp.id {
      filter.original.tuple.sourcePort = id
      filter.original.hasSourcePort = true
    }
    guard icmp.type != nil || icmp.code != nil else { return }
    filter.original.tuple.destinationPort = UInt16(icmp.type ?? 0) << 8 | UInt16(icmp.code ?? 0)
    filter.original.destinationPortMask = (icmp.type == nil ? 0 : 0xff00) | (icmp.code == nil ? 0 : 0xff)
    filter.original.hasDestinationPort = true
  }

  /// `-w` means connections whose both directions live in the zone.
  private mutating func addZones(_ values: ConntrackValues) {
    if let zone = values.original.zone ?? values.zone {
      filter.originalZone = zone
      filter.conditions.insert(.originalZone)
    }
    if let zone = values.reply.zone ?? values.zone {
      filter.replyZone = zone
      filter.conditions.insert(.replyZone)
    }
  }

  private mutating func addAttributes(_ values: ConntrackValues) {
    if values.hasUntrackedState { isEmpty = true }
    if let mark = values.mark {
      (filter.mark, filter.markMask) = mark
      filter.conditions.insert(.mark)
    }
    // UNSET by itself is no condition.
    if let status = values.status, status != 0 {
      (filter.status, filter.statusMask) = (status, status)
      filter.conditions.insert(.status)
    }
    if let state = values.state {
      filter.state = state
      filter.conditions.insert(.state)
    }
    if let tag = values.tags.original {
      filter.tags.original = tag
      filter.conditions.insert(.originalTag)
    }
    if let tag = values.tags.reply {
      filter.tags.reply = tag
      filter.conditions.insert(.replyTag)
    }
  }
}
