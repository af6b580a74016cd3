// Conntrack: which connection a packet belongs to, and what it does to it. Every worker owns a table of its own: records
// in an arena of the segment, an index over their tuples, a clock that its caller moves. A connection begins when the
// packet that opens it has been let through (confirmed), follows its protocol's rules (one file each) and ends by its
// protocol, by its timeout or to make room. Meaning, names and numbers are those of Linux netfilter; differences are
// decision records. Nothing here knows a NIC, a lock or another worker.

/// The way a packet goes, seen from the one that opened the connection.
public enum Direction: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case original, reply

  @inlinable public var other: Direction { self == .original ? .reply : .original }
}

/// What conntrack says of a packet: netfilter's `ct state`.
public enum PacketState: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  /// Opens a connection, or goes on in one that has had no answer.
  case new
  /// Of a connection that has been seen in both directions.
  case established
  /// An ICMP error about a connection.
  case related
  /// Fits nothing; policy decides.
  case invalid
  /// Not looked at: not IP, a later fragment, neighbour discovery, multicast listener reports.
  case untracked
}

/// What a protocol's tracker says of a packet of a connection.
public struct Judgement: BitwiseCopyable, Equatable, Sendable {
  public enum Action: UInt8, BitwiseCopyable, Sendable {
    /// Belongs: it is counted, and the deadline moves to `timeout` from now.
    case accept
    /// Let through without touching counters or deadline (netfilter's "ignored" packets). It does count as a reply.
    case pass
    /// Not of this connection; the record is as it was.
    case invalid
    /// The connection is over and the packet opens a new one: remove the record and look again.
    case restart
    /// Counted, let through, and the connection is removed at once (a RST that answers a SYN).
    case end
  }

  public var action: Action
  /// What is armed when the packet is accepted. Of an invalid one, if not `.generic`: the deadline is brought forward
  /// to so long from now when it lies further away, and further than two minutes.
  public var timeout: Timeout
  /// Accepted, and the connection is assured from now on: it has been seen to work both ways.
  public var assures: Bool
  /// Why it is invalid; `.none` otherwise.
  public var fault: TrackingFault

  @inlinable
  public init(_ action: Action, _ timeout: Timeout = .generic, assures: Bool = false, fault: TrackingFault = .none) {
    self.action = action
    self.timeout = timeout
    self.assures = assures
    self.fault = fault
  }

  @inlinable public static func accept(_ timeout: Timeout, assures: Bool = false) -> Judgement {
    Judgement(.accept, timeout, assures: assures)
  }
  @inlinable public static func invalid(_ fault: TrackingFault) -> Judgement { Judgement(.invalid, fault: fault) }
  @inlinable public static var pass: Judgement { Judgement(.pass) }
  @inlinable public static var restart: Judgement { Judgement(.restart) }
  @inlinable public static var end: Judgement { Judgement(.end) }
}

/// Why the tracker calls a packet invalid. Raw values index counters and are written to the segment: append only.
public enum TrackingFault: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case none
  /// Malformed above IP, or its checksum is wrong: `Wire` says which.
  case malformed
  case tcpFlags, tcpNoConnection, tcpTransition
  case tcpSequenceAbove, tcpSequenceBelow, tcpAcknowledgementAbove, tcpAcknowledgementBelow
  case tcpReset, tcpSynAckNumber
  case icmpType, icmpReplyFirst, icmpQuote, icmpNoConnection, icmpOuterAddress
  case sctpNoInit, sctpTag, sctpChunk, sctpTransition
  case greNoConnection
  case udpliteCoverage

  /// The word by which counters and metrics know it.
  public var name: String {
    switch self {
    case .none: "none"
    case .malformed: "malformed"
    case .tcpFlags: "tcp_flags"
    case .tcpNoConnection: "tcp_no_connection"
    case .tcpTransition: "tcp_transition"
    case .tcpSequenceAbove: "tcp_sequence_above"
    case .tcpSequenceBelow: "tcp_sequence_below"
    case .tcpAcknowledgementAbove: "tcp_acknowledgement_above"
    case .tcpAcknowledgementBelow: "tcp_acknowledgement_below"
    case .tcpReset: "tcp_reset"
    case .tcpSynAckNumber: "tcp_synack_number"
    case .icmpType: "icmp_type"
    case .icmpReplyFirst: "icmp_reply_first"
    case .icmpQuote: "icmp_quote"
    case .icmpNoConnection: "icmp_no_connection"
    case .icmpOuterAddress: "icmp_outer_address"
    case .sctpNoInit: "sctp_no_init"
    case .sctpTag: "sctp_tag"
    case .sctpChunk: "sctp_chunk"
    case .sctpTransition: "sctp_transition"
    case .greNoConnection: "gre_no_connection"
    case .udpliteCoverage: "udplite_coverage"
    }
  }
}
