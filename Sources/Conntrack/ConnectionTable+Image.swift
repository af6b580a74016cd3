internal import CSegment
internal import Primitives
internal import Segment

extension ConnectionTable {
  /// Writes a connection as it stands.
  ///
  /// - Parameter now: milliseconds on the worker's clock.
  func write(_ slot: Int, as id: ConnectionID, now: UInt32, to image: UnsafeMutablePointer<dpdkfwd_ct_image>) {
    let record = unsafe record(slot)
    unsafe image.pointee.id = id.rawValue
    let rest = unsafe Int32(bitPattern: record.pointee.deadline &- now)
    unsafe image.pointee.timeout = UInt32(max(0, rest))
    unsafe image.pointee.record = record.pointee
    let pair = unsafe endpoints(of: slot, record)
    let original = unsafe Connection.Tuple(
      source: pair.source, destination: pair.destination, sourcePort: record.pointee.source_port,
      destinationPort: record.pointee.destination_port)
    // The reply tuple is the original one turned round; its zone may be another.
    let turned = unsafe original.turned(
      isICMP: record.pointee.flags & DPDKFWD_CT_QUESTION != 0, isIPv6: record.pointee.flags & DPDKFWD_CT_IPV6 != 0)
    let bytes = UnsafeMutableRawPointer(image)
    unsafe Self.store(pair.source, to: bytes + 144)
    unsafe Self.store(pair.destination, to: bytes + 160)
    unsafe Self.store(turned.source, to: bytes + 176)
    unsafe Self.store(turned.destination, to: bytes + 192)
    unsafe image.pointee.reply_source_port = turned.sourcePort
    unsafe image.pointee.reply_destination_port = turned.destinationPort
    unsafe image.pointee.reply_zone = replyZone(of: slot)
    let labels = labels(of: slot)
    unsafe bytes.storeBytes(of: labels.low, toByteOffset: 208, as: UInt64.self)
    unsafe bytes.storeBytes(of: labels.high, toByteOffset: 216, as: UInt64.self)
  }

  /// A connection as it stands.
  func connection(_ slot: Int, as id: ConnectionID, now: UInt32) -> Connection {
    var image = dpdkfwd_ct_image()
    unsafe write(slot, as: id, now: now, to: &image)
    return Connection(image)
  }

  /// The addresses of the original direction; IPv4 in the first four bytes.
  private func endpoints(of slot: Int, _ record: UnsafeMutablePointer<dpdkfwd_ct_record>) -> IPv6Pair {
    if unsafe record.pointee.flags & DPDKFWD_CT_IPV6 != 0 { return addresses(of: slot) }
    return unsafe IPv6Pair(
      source: IPv6Address(ipv4: IPv4Address(bits: UInt32(bigEndian: record.pointee.source))),
      destination: IPv6Address(ipv4: IPv4Address(bits: UInt32(bigEndian: record.pointee.destination))))
  }

  private static func store(_ address: IPv6Address, to bytes: UnsafeMutableRawPointer) {
    unsafe bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
    unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
  }
}
