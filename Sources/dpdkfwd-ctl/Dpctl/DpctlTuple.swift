internal import Inspection
internal import Primitives
internal import Segment

/// A connection's tuple as `flush-conntrack` takes it: any subset of its keys, with commas or spaces between them.
struct DpctlTuple: Equatable {
  private(set) var isIPv6: Bool?
  private(set) var source: IPv6Address?
  private(set) var destination: IPv6Address?
  private(set) var `protocol`: UInt8?
  /// ICMP: the identifier.
  private(set) var sourcePort: UInt16?
  private(set) var destinationPort: UInt16?
  private(set) var type: UInt8?
  private(set) var code: UInt8?

  init(_ text: String) throws(DpctlFailure) {
    for field in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      try read(field)
    }
    if sourcePort != nil || destinationPort != nil, self.protocol == nil {
      throw .invalid("port is set without protocol")
    }
  }

  private mutating func read(_ field: Substring) throws(DpctlFailure) {
    let sides = field.split(separator: "=", maxSplits: 1)
    guard sides.count == 2, !field.hasPrefix("=") else { throw .invalid("field \(sides.first ?? field) missing value") }
    let (key, value) = (sides[0], sides[1])
    switch key {
    case "ct_nw_src": try read(key, value, isIPv6: false, into: \.source)
    case "ct_nw_dst": try read(key, value, isIPv6: false, into: \.destination)
    case "ct_ipv6_src": try read(key, value, isIPv6: true, into: \.source)
    case "ct_ipv6_dst": try read(key, value, isIPv6: true, into: \.destination)
    case "ct_nw_proto": self.protocol = try number(key, value)
    case "ct_tp_src": sourcePort = try number(key, value)
    case "ct_tp_dst": destinationPort = try number(key, value)
    case "icmp_type", "icmp_code", "icmp_id":
      guard isQuery else { throw .invalid("invalid L4 fields") }
      switch key {
      case "icmp_type": type = try number(key, value)
      case "icmp_code": code = try number(key, value)
      default: sourcePort = try number(key, value)
      }
    default: throw .invalid("invalid conntrack tuple field: \(key)")
    }
  }

  private var isQuery: Bool {
    self.protocol == Connection.Number.icmp || self.protocol == Connection.Number.icmpv6
  }

  private mutating func read(
    _ key: Substring, _ value: Substring, isIPv6: Bool, into address: WritableKeyPath<DpctlTuple, IPv6Address?>
  ) throws(DpctlFailure) {
    guard self.isIPv6 ?? isIPv6 == isIPv6 else { throw .invalid("the L3 protocol does not match \(value)") }
    guard self[keyPath: address] == nil else { throw .invalid("\(key) is set multiple times") }
    let text = String(value)
    let found = isIPv6 ? IPv6Address(text) : IPv4Address(text).map { IPv6Address(ipv4: $0) }
    guard let found else { throw .invalid("failed to parse field \(key)") }
    self[keyPath: address] = found
    self.isIPv6 = isIPv6
  }

  private func number<Number: FixedWidthInteger>(
    _ key: Substring, _ value: Substring
  ) throws(DpctlFailure) -> Number {
    guard let number: Number = DpctlWords.number(value) else { throw .invalid("failed to parse field \(key)") }
    return number
  }

  // MARK: Use

  /// Whether it can mean but one connection of a zone.
  var isWhole: Bool {
    guard source != nil, destination != nil, self.protocol != nil, sourcePort != nil else { return false }
    return isQuery ? type != nil && code != nil : destinationPort != nil
  }

  /// Adds what it says to a filter; fails where that says something else already.
  func add(to ends: WritableKeyPath<ConnectionFilter, ConnectionFilter.Ends>, of filter: inout ConnectionFilter)
    throws(DpctlFailure)
  {
    if let isIPv6 {
      guard !filter.conditions.contains(.family) || filter.isIPv6 == isIPv6 else { throw .invalid("invalid arguments") }
      filter.isIPv6 = isIPv6
      filter.conditions.insert(.family)
    }
    if let number = self.protocol {
      guard !filter.conditions.contains(.protocol) || filter.protocol == number else {
        throw .invalid("invalid arguments")
      }
      filter.protocol = number
      filter.conditions.insert(.protocol)
    }
    filter[keyPath: ends] = self.ends
  }

  private var ends: ConnectionFilter.Ends {
    var ends = ConnectionFilter.Ends()
    let bits: UInt8 = isIPv6 ?? false ? 128 : 32
    if let source { (ends.sourceBits, ends.tuple.source) = (bits, source) }
    if let destination { (ends.destinationBits, ends.tuple.destination) = (bits, destination) }
    if let sourcePort { (ends.hasSourcePort, ends.tuple.sourcePort) = (true, sourcePort) }
    if let destinationPort { (ends.hasDestinationPort, ends.tuple.destinationPort) = (true, destinationPort) }
    if type != nil || code != nil {
      ends.hasDestinationPort = true
      ends.tuple.destinationPort = UInt16(type ?? 0) << 8 | UInt16(code ?? 0)
      ends.destinationPortMask = (type == nil ? 0 : 0xff00) | (code == nil ? 0 : 0xff)
    }
    return ends
  }
}
