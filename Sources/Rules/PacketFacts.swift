internal import Wire

// What both the interpreter and the engine know of a packet without a rule.

extension RulePacket {
  /// Just past the last byte of the datagram that is at hand.
  @inline(__always) var end: Int { min(count, Int(summary.datagramEnd)) }

  /// Bytes of the IP datagram, or of what lies behind the link header: skb->len.
  @inline(__always) var datagramLength: Int { max(0, Int(summary.datagramEnd) &- Int(summary.networkOffset)) }

  /// Its transport protocol is known: NFT_PKTINFO_L4PROTO.
  @inline(__always) var hasTransport: Bool {
    guard !summary.flags.isDisjoint(with: [.ipv4, .ipv6]), summary.fault == .none else { return false }
    switch summary.invalid {
    case .ipv6ChainCut, .ipv6ChainTooLong, .ipv6SeveralFragmentHeaders: return false
    default: return true
    }
  }

  /// Its connection's for `ct count`; 0: it has none.
  @inline(__always) var countedID: UInt64 { connection.isConnection ? connection.handle : 0 }

  @inline(__always) func byte(_ offset: Int) -> UInt8 { unsafe bytes[offset] }
}

extension ConnectionFacts {
  /// There is a connection: the packet was tracked, and is neither invalid nor untracked.
  @inline(__always) public var isConnection: Bool { isKnown && state & (1 | 64) == 0 }

  /// `ct state`. Before tracking it is invalid, as in the kernel: there is no connection. A zone given to the packet is
  /// kept in a template, which counts as a new one.
  @inline(__always) func wordForState(_ effects: RuleEffects) -> UInt32 {
    if isKnown { return UInt32(state) }
    if effects.changes.contains(.notrack) { return 64 }
    return effects.changes.contains(.zones) ? 8 : 1
  }
}
