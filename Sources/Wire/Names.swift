// The words by which counters, metrics and logs know what a `Summary` says.

extension PacketKind {
  public var name: String {
    switch self {
    case .runt: "runt"
    case .arp: "arp"
    case .linkOther: "other"
    case .llc: "llc"
    case .ipv4TCP: "ipv4_tcp"
    case .ipv4UDP: "ipv4_udp"
    case .ipv4ICMP: "ipv4_icmp"
    case .ipv4SCTP: "ipv4_sctp"
    case .ipv4GRE: "ipv4_gre"
    case .ipv4Other: "ipv4_other"
    case .ipv4Fragment: "ipv4_fragment"
    case .ipv4Faulty: "ipv4_faulty"
    case .ipv6TCP: "ipv6_tcp"
    case .ipv6UDP: "ipv6_udp"
    case .ipv6ICMP: "ipv6_icmp"
    case .ipv6SCTP: "ipv6_sctp"
    case .ipv6GRE: "ipv6_gre"
    case .ipv6Other: "ipv6_other"
    case .ipv6Fragment: "ipv6_fragment"
    case .ipv6Faulty: "ipv6_faulty"
    }
  }
}

extension InvalidReason {
  public var name: String {
    switch self {
    case .none: "none"
    case .tcpShort: "tcp_short"
    case .tcpBadDataOffset: "tcp_bad_data_offset"
    case .tcpBadChecksum: "tcp_bad_checksum"
    case .udpShort: "udp_short"
    case .udpLengthBelowHeader: "udp_length_lt_8"
    case .udpLengthBeyondPayload: "udp_length_gt_payload"
    case .udpBadChecksum: "udp_bad_checksum"
    case .icmpShort: "icmp_short"
    case .icmpBadChecksum: "icmp_bad_checksum"
    case .icmpv6Short: "icmpv6_short"
    case .icmpv6BadChecksum: "icmpv6_bad_checksum"
    case .sctpShort: "sctp_short"
    case .sctpBadChecksum: "sctp_bad_checksum"
    case .greShort: "gre_short"
    case .ipv6ChainCut: "ipv6_chain_cut"
    case .ipv6ChainTooLong: "ipv6_chain_too_long"
    case .ipv6SeveralFragmentHeaders: "ipv6_several_fragment_headers"
    }
  }
}
