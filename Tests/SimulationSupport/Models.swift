import Pipeline
import Primitives

/// A packet that a worker just received, as a model sees it.
struct Incoming: BitwiseCopyable {
  var length: UInt32
  /// Bytes of the first piece.
  var contiguous: UInt32
  var marks: PacketMarks
  /// VLAN tags.
  var tags: UInt8
  /// Bytes up to the end of the TCP or UDP header, for an unfinished frame.
  var headers: UInt16
  /// What the tests' own reading says is wrong with the IP header, and what is known of what lies above.
  var fault: DropReason?
  var soundness: Traffic.Soundness
  var policy: Policy
  /// The way out, as the worker was last told.
  var exit: Exit
  /// Why the tracker may refuse it.
  var refusals: Reasons
  /// It is a fragment that waits for the others of its datagram, and why that may end.
  var waits = false
  var ends = Reasons()
  /// What rules say of it.
  var rules = RuleForesight()

  var isWhole: Bool { contiguous == length }
}

/// The limits of a port as its packets' way out, and whether it is open.
struct Exit: BitwiseCopyable {
  var port: UInt16
  var mtu: UInt16?
  var longest: UInt32 = .max
  var longestChained: UInt32 = .max
  var finishesChecksums = false
  var cutsSegments = false
  var closed: DropReason?

  var egress: Egress {
    closed == .noPair
      ? .closed(.noPair)
      : Egress(
        port: PortID(rawValue: port), closed: closed, mtu: mtu, longest: longest, longestChained: longestChained,
        finishesChecksums: finishesChecksums, cutsSegments: cutsSegments)
  }
}

/// What a model says must become of a packet.
enum Opinion: Equatable {
  case passes
  case drops(DropReason)
  /// The model cannot know: the packet is dropped for one of these reasons, or it is not.
  case mayDrop(Reasons)
  /// The same, and no other model is asked.
  case ends(Reasons)
}

/// A set of reasons to drop.
struct Reasons: BitwiseCopyable, Equatable, Sendable, ExpressibleByArrayLiteral {
  private(set) var bits: UInt64 = 0

  init() {}
  init(arrayLiteral reasons: DropReason...) { for reason in reasons { insert(reason) } }

  var isEmpty: Bool { bits == 0 }
  var isOne: Bool { bits.nonzeroBitCount == 1 }
  func contains(_ raw: Int) -> Bool { bits & 1 << UInt64(raw) != 0 }
  mutating func insert(_ reason: DropReason) { bits |= 1 << UInt64(reason.rawValue) }
  mutating func formUnion(_ other: Reasons) { bits |= other.bits }
}

/// Says, apart from the code under test, what must become of a packet. Models are asked in the order of the journey;
/// the first that drops ends it.
protocol Model: Sendable {
  func opinion(of packet: Incoming) -> Opinion
}

/// A faulty IP header ends the journey.
struct HeaderModel: Model {
  func opinion(of packet: Incoming) -> Opinion { packet.fault.map { .drops($0) } ?? .passes }
}

/// A fragment waits. Whether its datagram becomes whole, and what becomes of that, is known when it leaves.
struct FragmentModel: Model {
  func opinion(of packet: Incoming) -> Opinion { packet.waits ? .ends(packet.ends) : .passes }
}

/// What is invalid above IP goes by policy. Of captured and of damaged frames it is not known.
struct ValidityModel: Model {
  func opinion(of packet: Incoming) -> Opinion {
    guard packet.policy.invalid == .drop else { return .passes }
    switch packet.soundness {
    case .sound: return .passes
    case .invalid: return Self.isCertain(packet) ? .drops(.invalid) : .mayDrop([.invalid])
    case .unknown: return .mayDrop([.invalid])
    }
  }

  /// Whether policy looks close enough to find what is known to be wrong.
  static func isCertain(_ packet: Incoming) -> Bool {
    packet.soundness == .invalid
      && (packet.policy.checksum == .software
        || packet.policy.checksum == .hardware && packet.marks.contains(.checksumBad))
  }
}

/// What connections make of a packet is the tracker's own tests' matter: here it may refuse it, or not.
struct TrackingModel: Model {
  func opinion(of packet: Incoming) -> Opinion {
    packet.refusals.isEmpty ? .passes : .mayDrop(packet.refusals)
  }
}

/// The way out is closed, too narrow, or cannot do what the sender left to it.
struct ExitModel: Model {
  func opinion(of packet: Incoming) -> Opinion {
    let exit = packet.exit
    if let reason = exit.closed { return .drops(reason) }
    if packet.length > (packet.isWhole ? exit.longest : exit.longestChained) { return .drops(.txOversize) }
    // Whoever finishes a frame needs its headers in one piece.
    let headersAreWhole = packet.contiguous >= UInt32(packet.headers)
    if packet.marks.contains(.segmented) {
      return exit.cutsSegments && headersAreWhole ? .passes : .drops(.offloadUnsupported)
    }
    // The MTU counts neither the Ethernet header nor the tags.
    if let mtu = exit.mtu, Int(packet.length) - 14 - 4 * Int(packet.tags) > Int(mtu) { return .drops(.mtuExceeded) }
    guard packet.marks.contains(.checksumPartial) else { return .passes }
    // Software needs all of it in one piece. All that arrives unfinished is TCP or UDP and no fragment.
    let canFinish = headersAreWhole && (exit.finishesChecksums || packet.isWhole)
    return canFinish ? .passes : .drops(.offloadUnsupported)
  }
}
