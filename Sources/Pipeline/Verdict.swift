public import Primitives
public import Wire

/// What becomes of a packet.
public enum Verdict: BitwiseCopyable, Equatable, Sendable {
  case forward(PortID)
  case drop(DropReason)
  /// To the worker that owns its flow, by index.
  case handOff(UInt8)
  /// A fragment that waits for the others of its datagram.
  case hold
}

/// Why a packet was not sent. Raw values index counters and are written to the segment: append only.
///
/// The first ones are the faults of an IP header, in the order of `HeaderFault` and with its raw values.
public enum DropReason: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case ipv4Short = 1, ipv4BadVersion, ipv4BadHeaderLength, ipv4HeaderBeyondFrame
  case ipv4TotalLengthBelowHeader, ipv4TotalLengthBeyondFrame, ipv4BadChecksum
  case ipv6Short, ipv6BadVersion, ipv6PayloadBeyondFrame
  /// The packet is invalid above IP, and policy says such packets are dropped.
  case invalid
  /// Longer than the egress port's MTU allows.
  case mtuExceeded
  /// The egress queue took no more, after the bounded number of attempts.
  case txFull
  /// The egress port cannot carry a frame of this length or in this many pieces.
  case txOversize
  case linkDown
  /// The port belongs to no pair.
  case noPair
  /// The frame wants a checksum or a cut that neither the egress port nor software can make.
  case offloadUnsupported
  /// Held when the forwarder stopped.
  case shutdown
  /// It would open a connection, and policy lets none in by that port.
  case newRefused
  /// The worker's connection table is full.
  case connectionTableFull
  /// All workers together track as many connections as they may.
  case connectionLimit
  /// As many connections as may be are in its zone, or come from its source.
  case zoneLimit, sourceLimit
  /// The ring to the worker that owns it was full.
  case handoffFull
  /// It would open a connection whose reply tuple another one has.
  case tupleTaken
  /// A fragment's, by the event it is counted under: `FragmentEvent` says what each means.
  case fragExpired, fragTooSmall, fragOverlapped, fragPurged, fragDuplicate, fragStraggler, fragTooMany, fragOversize
  case fragMisaligned, fragEmpty, fragEndConflict, fragHeaderChain, fragBadHeader, fragECN, fragNoRoom
  case fragSourceShare, fragEvicted
  /// A datagram was to be cut anew, and the pool had no buffer for it.
  case fragNoBuffer
  /// By a rule, by the policy of a base chain, by a rule that rejects (while bridged nobody is told).
  case rule, rulePolicy, ruleReject
  /// There are no rules, and settings let nothing pass without.
  case noRules
  /// By a user's program on a hook.
  case hookProgram

  /// How many counters a table by raw value has; entry 0 is never used.
  public static let slots = 49

  @inlinable
  public init(_ fault: HeaderFault) {
    // The raw values agree (a test walks them); asked only of a packet that has a fault.
    self = DropReason(rawValue: fault.rawValue) ?? .invalid
  }

  /// The word by which counters, metrics and logs know the reason.
  public var name: String {
    switch self {
    case .ipv4Short: "ipv4_short"
    case .ipv4BadVersion: "ipv4_bad_version"
    case .ipv4BadHeaderLength: "ipv4_bad_header_length"
    case .ipv4HeaderBeyondFrame: "ipv4_header_beyond_frame"
    case .ipv4TotalLengthBelowHeader: "ipv4_total_length_lt_header"
    case .ipv4TotalLengthBeyondFrame: "ipv4_total_length_gt_frame"
    case .ipv4BadChecksum: "ipv4_bad_checksum"
    case .ipv6Short: "ipv6_short"
    case .ipv6BadVersion: "ipv6_bad_version"
    case .ipv6PayloadBeyondFrame: "ipv6_payload_length_gt_frame"
    case .invalid: "invalid"
    case .mtuExceeded: "mtu_exceeded"
    case .txFull: "tx_full"
    case .txOversize: "tx_oversize"
    case .linkDown: "link_down"
    case .noPair: "no_pair"
    case .offloadUnsupported: "offload_unsupported"
    case .shutdown: "shutdown"
    case .newRefused: "new_refused"
    case .connectionTableFull: "ct_table_full"
    case .connectionLimit: "ct_limit"
    case .zoneLimit: "ct_zone_limit"
    case .sourceLimit: "ct_source_limit"
    case .handoffFull: "handoff_full"
    case .tupleTaken: "ct_tuple_taken"
    case .fragExpired: "frag_expired"
    case .fragTooSmall: "frag_too_small"
    case .fragOverlapped: "frag_overlapped"
    case .fragPurged: "frag_purged"
    case .fragDuplicate: "frag_duplicate"
    case .fragStraggler: "frag_straggler"
    case .fragTooMany: "frag_too_many"
    case .fragOversize: "frag_oversize"
    case .fragMisaligned: "frag_misaligned"
    case .fragEmpty: "frag_empty"
    case .fragEndConflict: "frag_end_conflict"
    case .fragHeaderChain: "frag_header_chain"
    case .fragBadHeader: "frag_bad_header"
    case .fragECN: "frag_ecn"
    case .fragNoRoom: "frag_no_room"
    case .fragSourceShare: "frag_source_share"
    case .fragEvicted: "frag_evicted"
    case .fragNoBuffer: "frag_no_buffer"
    case .rule: "rule"
    case .rulePolicy: "rule_policy"
    case .ruleReject: "rule_reject"
    case .noRules: "no_rules"
    case .hookProgram: "hook_program"
    }
  }
}
