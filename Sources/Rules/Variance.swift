internal import Wire

/// What a step of a program may find, or does, differently from one plain packet of a connection and direction to the
/// next: nothing, where it asks only for addresses, ports, protocols, interfaces, zones and the state of a connection
/// that was answered. Packets leave by one port and have come in by the other of its pair.
@usableFromInline
struct Variance: OptionSet, BitwiseCopyable, Sendable {
  @usableFromInline var rawValue: UInt8
  @usableFromInline init(rawValue: UInt8) { self.rawValue = rawValue }

  @usableFromInline static let inIPv4 = Variance(rawValue: 1)
  @usableFromInline static let inIPv6 = Variance(rawValue: 2)
  static let always: Variance = [.inIPv4, .inIPv6]
}

extension Compiler {
  /// When all code is there: tables and sets are asked, too.
  mutating func noteVariance() {
    for place in code.indices { code[place].variance = variance(of: code[place]) }
  }

  private func variance(of step: Instruction) -> Variance {
    switch step.operation {
    case .held, .accept, .drop, .reject, .return, .jump, .goto, .chainEnd, .choose: []
    case .pushConstant, .and, .or, .xor, .shiftLeft, .shiftRight, .topRange, .topAnyBit, .compare, .topKey: []
    // The mark goes no further than the packet.
    case .port, .setMark: []
    case .range, .masked, .anyBit, .push: step.load.variance
    case .inSet: step.load.variance.union(varianceOfSet(step.a))
    case .topInSet, .map, .verdictMap: varianceOfSet(step.a)
    case .index: varianceOfIndex(step.a)
    case .counter, .limit, .count, .setTrace, .setConnectionMark, .setLabels, .setEvents, .setZone, .notrack, .timeout,
      .offload, .update:
      .always
    }
  }

  /// Elements come and go, time out, count or limit.
  private func varianceOfSet(_ set: UInt32) -> Variance {
    let head = words[Int(set) + SetWords.head]
    let isLive = UInt8(truncatingIfNeeded: head) == SetWords.Kind.live.rawValue
    let (statements, hasDeadlines) = (head >> 24 & 0xFF, head >> 32 & 1 != 0)
    return isLive || statements > 0 || hasDeadlines ? .always : []
  }

  private func varianceOfIndex(_ index: UInt32) -> Variance {
    let features = Int(words[Int(index)])
    return (0..<features).reduce([]) { all, feature in
      let place = Int(index) + IndexWords.count + feature * IndexWords.feature
      let load = unsafe unsafeBitCast(words[place + IndexWords.load], to: Load.self)
      return all.union(load.variance)
    }
  }
}

extension Load {
  fileprivate var variance: Variance {
    let (first, end) = (Int(offset), Int(offset) + Int(bits))
    func isWithin(_ ranges: [Range<Int>]) -> Bool { ranges.contains { $0.lowerBound <= first && end <= $0.upperBound } }
    switch kind {
    case .network:
      // Version and length, protocol, addresses; version, next header, addresses.
      var all: Variance = []
      if !isWithin([0..<8, 72..<80, 96..<160]) { all.insert(.inIPv4) }
      if !isWithin([0..<4, 48..<56, 64..<320]) { all.insert(.inIPv6) }
      return all
    case .transport: return isWithin([0..<32]) ? [] : .always  // ports
    case .inputName, .outputName, .inputIndex, .outputIndex, .etherType, .networkFamily, .protocolNumber, .mark:
      return []
    case .state, .direction, .id, .zone, .connectionFamily, .connectionTransport: return []
    case .source4, .destination4, .source6, .destination6, .sourcePort, .destinationPort: return []
    case .link, .ipv6Extension, .ipv6ExtensionField, .tcpOptionExists, .tcpOption, .length, .packetType: return .always
    case .status, .connectionMark, .expiration, .labels, .packets, .bytes, .averageLength: return .always
    }
  }
}
