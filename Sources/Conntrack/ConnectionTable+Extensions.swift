public import CSegment
public import Primitives
internal import Tables

/// What an extension holds.
@usableFromInline
enum ExtensionKind: UInt8 {
  /// The addresses of an IPv6 connection's original direction.
  case addresses = 1
  /// The reply tuple, when it is not the original turned round.
  case reply = 2
  /// Labels only.
  case labels = 3
}

extension ConnectionTable {
  var extensionsFree: Int { unsafe extensionCapacity - Int(counts.pointee.extensions) }

  /// Whether there are as many as such a connection needs.
  func hasExtensions(for tuple: Tuple, replyZone: UInt16) -> Bool {
    extensionsFree >= (tuple.isIPv6 ? 1 : 0) + (replyZone != tuple.zone ? 1 : 0)
  }

  /// Puts an extension in front of those the record has. There is one: the caller asked.
  mutating func addExtension(
    to slot: Int, _ generation: UInt32, kind: ExtensionKind, _ fill: (inout dpdkfwd_ct_extension_record) -> Void
  ) {
    let place: Int
    if freeExtension != 0 {
      place = Int(freeExtension) - 1
      freeExtension = unsafe extensions[place].next
    } else {
      place = extensionsUsed
      extensionsUsed += 1
    }
    var extra = dpdkfwd_ct_extension_record()
    extra.kind = kind.rawValue
    extra.next = unsafe records[slot].extension
    fill(&extra)
    let cell = unsafe extensions + place
    unsafe cell.pointee = extra
    unsafe segment_store_release(&cell.pointee.owner, generation)
    unsafe records[slot].extension = UInt32(place) + 1
    unsafe counts.pointee.extensions &+= 1
  }

  /// Frees what a record held.
  mutating func giveExtensions(_ record: UnsafeMutablePointer<dpdkfwd_ct_record>) {
    var next = unsafe record.pointee.extension
    unsafe record.pointee.extension = 0
    while next != 0 {
      let cell = unsafe extensions + Int(next) - 1
      let after = unsafe cell.pointee.next
      unsafe segment_store_release(&cell.pointee.owner, 0)
      unsafe cell.pointee.next = freeExtension
      freeExtension = next
      next = after
      unsafe counts.pointee.extensions &-= 1
    }
  }

  /// The extension of a kind, or `nil`.
  @unsafe @inlinable @inline(__always)
  func extra(_ slot: Int, _ kind: ExtensionKind) -> UnsafeMutablePointer<dpdkfwd_ct_extension_record>? {
    var next = unsafe records[slot].extension
    while next != 0 {
      let cell = unsafe extensions + Int(next) - 1
      if unsafe cell.pointee.kind == kind.rawValue { return unsafe cell }
      next = unsafe cell.pointee.next
    }
    return nil
  }

  /// The addresses of an IPv6 connection, as its original direction has them.
  @inlinable @inline(__always)
  func addresses(of slot: Int) -> IPv6Pair {
    guard let cell = unsafe extra(slot, .addresses) else { return .none }
    return unsafe cell.pair
  }

  /// The zone in which the reply tuple lives.
  @inlinable @inline(__always)
  func replyZone(of slot: Int) -> UInt16 {
    guard let cell = unsafe extra(slot, .reply) else { return unsafe records[slot].zone }
    return unsafe cell.pointee.zone
  }

  // MARK: Tuples

  /// The original tuple of a connection, with the addresses when it is IPv6.
  func tuple(of slot: Int) -> (Tuple, IPv6Pair) {
    let record = unsafe records[slot]
    let isIPv6 = record.flags & DPDKFWD_CT_IPV6 != 0
    let ports = (record.source_port, record.destination_port)
    let marks: TupleMarks = record.flags & DPDKFWD_CT_QUESTION != 0 ? .question : []
    guard isIPv6 else {
      let tuple = Tuple(
        source: record.source, destination: record.destination, ports: ports, transport: record.protocol,
        zone: record.zone, marks: marks, secret: secret)
      return (tuple, .none)
    }
    let pair = addresses(of: slot)
    return (
      Tuple(pair, ports: ports, transport: record.protocol, zone: record.zone, marks: marks, secret: secret), pair
    )
  }

  /// The same endpoints in another zone.
  func rehashed(_ tuple: Tuple, zone: UInt16, _ pair: IPv6Pair) -> Tuple {
    let ports = (tuple.sourcePort, tuple.destinationPort)
    let marks = tuple.marks.intersection([.question, .answer])
    return tuple.isIPv6
      ? Tuple(pair, ports: ports, transport: tuple.transport, zone: zone, marks: marks, secret: secret)
      : Tuple(
        source: tuple.source, destination: tuple.destination, ports: ports, transport: tuple.transport, zone: zone,
        marks: marks, secret: secret)
  }
}

extension ProtocolGroup {
  /// Its connections are questions with an identifier.
  var asks: Bool { self == .icmp || self == .icmpv6 }
}

extension UnsafeMutablePointer<dpdkfwd_ct_extension_record> {
  /// The addresses, which stand as on the wire.
  @inlinable var pair: IPv6Pair {
    @inline(__always) get {
      let bytes = UnsafeRawPointer(self)
      return unsafe IPv6Pair(
        source: IPv6Address(
          high: UInt64(bigEndian: bytes.load(fromByteOffset: 8, as: UInt64.self)),
          low: UInt64(bigEndian: bytes.load(fromByteOffset: 16, as: UInt64.self))),
        destination: IPv6Address(
          high: UInt64(bigEndian: bytes.load(fromByteOffset: 24, as: UInt64.self)),
          low: UInt64(bigEndian: bytes.load(fromByteOffset: 32, as: UInt64.self))))
    }
  }
}

extension dpdkfwd_ct_extension_record {
  mutating func set(_ pair: IPv6Pair) {
    unsafe withUnsafeMutableBytes(of: &self) { bytes in
      unsafe bytes.storeBytes(of: pair.source.high.bigEndian, toByteOffset: 8, as: UInt64.self)
      unsafe bytes.storeBytes(of: pair.source.low.bigEndian, toByteOffset: 16, as: UInt64.self)
      unsafe bytes.storeBytes(of: pair.destination.high.bigEndian, toByteOffset: 24, as: UInt64.self)
      unsafe bytes.storeBytes(of: pair.destination.low.bigEndian, toByteOffset: 32, as: UInt64.self)
    }
  }

  /// IPv4 addresses, in network order, stand in the first four bytes each.
  mutating func set(ipv4 source: UInt32, _ destination: UInt32) {
    unsafe withUnsafeMutableBytes(of: &self) { bytes in
      unsafe bytes.storeBytes(of: source, toByteOffset: 8, as: UInt32.self)
      unsafe bytes.storeBytes(of: destination, toByteOffset: 24, as: UInt32.self)
    }
  }
}

// MARK: Mark and labels

extension ConnectionTable {
  /// Sets the bits of a connection's mark that `mask` names: netfilter's `ct mark set`.
  public func setMark(_ mark: UInt32, mask: UInt32 = .max, of slot: Int) {
    unsafe record(slot).pointee.mark = unsafe record(slot).pointee.mark & ~mask | mark & mask
  }

  /// The 128 label bits of a connection, the lowest first: netfilter's connlabels.
  public func labels(of slot: Int) -> (low: UInt64, high: UInt64) {
    guard let cell = unsafe labelled(slot) else { return (0, 0) }
    let words = UnsafeRawPointer(cell)
    return unsafe (words.load(fromByteOffset: 48, as: UInt64.self), words.load(fromByteOffset: 56, as: UInt64.self))
  }

  /// Sets all label bits of a connection. They lie in its first extension, and take one of their own if it has none.
  ///
  /// - Returns: `false` when no extension is left.
  public mutating func setLabels(low: UInt64, high: UInt64, of slot: Int) -> Bool {
    if unsafe labelled(slot) == nil {
      guard low | high != 0 else { return true }
      guard extensionsFree > 0 else { return false }
      addExtension(to: slot, unsafe record(slot).pointee.generation, kind: .labels) { _ in }
    }
    guard let cell = unsafe labelled(slot) else { return false }
    let words = UnsafeMutableRawPointer(cell)
    unsafe words.storeBytes(of: low, toByteOffset: 48, as: UInt64.self)
    unsafe words.storeBytes(of: high, toByteOffset: 56, as: UInt64.self)
    return true
  }

  /// What is told of a connection; `nil`: everything.
  func eventSelection(of slot: Int) -> EventSelection? {
    guard let cell = unsafe labelled(slot), unsafe cell.pointee.event_mask != 0 else { return nil }
    return unsafe EventSelection(rawValue: cell.pointee.event_mask)
  }

  /// - Returns: `false` when no extension is left.
  mutating func setEventSelection(_ selection: EventSelection, of slot: Int) -> Bool {
    if unsafe labelled(slot) == nil {
      guard extensionsFree > 0 else { return false }
      addExtension(to: slot, unsafe record(slot).pointee.generation, kind: .labels) { _ in }
    }
    guard let cell = unsafe labelled(slot) else { return false }
    unsafe cell.pointee.event_mask = selection.rawValue
    return true
  }

  private func labelled(_ slot: Int) -> UnsafeMutablePointer<dpdkfwd_ct_extension_record>? {
    let first = unsafe record(slot).pointee.extension
    return first == 0 ? nil : unsafe extensions + (Int(first) - 1)
  }
}
