public import Primitives
internal import Wire

/// Where the packets of one ingress port leave, and what can leave there: a value that the worker renews when a
/// link changes.
public struct Egress: BitwiseCopyable, Sendable {
  public var port: PortID
  /// Why nothing can leave at all just now (`.linkDown`, `.noPair`), or `nil`.
  public private(set) var closed: DropReason?
  /// Longest untagged frame by the MTU, Ethernet header included, in bytes; `UInt32.max` when no MTU is set.
  public var mtuFrame: UInt32
  /// Longest frame the port carries at all, and longest when it is spread over several segments, in bytes.
  public var longest: UInt32
  public var longestChained: UInt32
  /// The port finishes a transport checksum that the sender left open.
  public var finishesChecksums: Bool
  /// The port cuts a frame of several TCP segments.
  public var cutsSegments: Bool
  /// A frame up to this length, without marks, leaves whatever it is; 0 when closed, since no frame is empty.
  private var unquestioned: UInt32

  public init(
    port: PortID, closed: DropReason? = nil, mtu: UInt16? = nil, longest: UInt32 = .max, longestChained: UInt32 = .max,
    finishesChecksums: Bool = false, cutsSegments: Bool = false
  ) {
    self.port = port
    self.closed = closed
    mtuFrame = mtu.map { UInt32($0) + 14 } ?? .max
    self.longest = longest
    self.longestChained = longestChained
    self.finishesChecksums = finishesChecksums
    self.cutsSegments = cutsSegments
    unquestioned = closed == nil ? min(mtuFrame, longest, longestChained) : 0
  }

  /// A port that takes nothing, for a reason.
  public static func closed(_ reason: DropReason) -> Egress { Egress(port: PortID(rawValue: .max), closed: reason) }

  /// Lets nothing through from now on, for a reason.
  public mutating func close(_ reason: DropReason) {
    closed = reason
    unquestioned = 0
  }

  /// The same of a datagram's fragments, which leave together; `cut`: as others, small enough for the port. Whether it
  /// carries each of them, if they are not cut, `carries` says.
  ///
  /// - Parameters:
  ///   - longestFrame: among them, in bytes.
  ///   - marks: of all of them, together.
  ///   - overhead: bytes of headers that each fragment repeats, link and tags not counted.
  ///   - isUncuttable: one of them says so.
  func judge(
    longestFrame: UInt32, _ marks: PacketMarks, vlanCount: UInt8, overhead: UInt32, isUncuttable: Bool
  ) -> FragmentsEgress {
    if let closed { return .refused(closed) }
    if marks.needsWork { return .refused(.offloadUnsupported) }
    let link = 14 + 4 * UInt32(vlanCount)
    guard mtuFrame != .max, longestFrame > mtuFrame - 14 + link else { return .asTheyCame }
    // What is made may lie in several segments.
    let most = min(mtuFrame - 14 + link, longest, longestChained)
    return isUncuttable || most < link + overhead + 8 ? .refused(.mtuExceeded) : .cut(mtu: Int(most - link))
  }

  /// Whether the port carries a frame at all.
  func carries(_ length: UInt32, isWhole: Bool) -> Bool { length <= (isWhole ? longest : longestChained) }

  /// Whether frames up to that length, with those marks among them, leave without a closer look.
  @inline(__always)
  func takesAll(upTo length: UInt32, _ marks: PacketMarks) -> Bool { length <= unquestioned && !marks.needsWork }

  /// The closer look: why the frame cannot leave, or `nil` when it can.
  func refuses(_ packet: Packet, _ summary: Summary) -> DropReason? {
    if let closed { return closed }
    if !carries(packet.length, isWhole: packet.isWhole) { return .txOversize }
    if packet.marks.contains(.segmented) {
      return cutsSegments && summary.transport == 6 && summary.isFinishable(packet) ? nil : .offloadUnsupported
    }
    // Each VLAN tag makes the frame longer than the MTU says, as switches count it.
    if mtuFrame != .max, packet.length > mtuFrame + 4 * UInt32(summary.vlanCount) { return .mtuExceeded }
    if packet.marks.contains(.checksumPartial) {
      // Software needs the whole datagram in one piece.
      let canFinish = summary.isFinishable(packet) && (finishesChecksums || packet.isWhole)
      return canFinish ? nil : .offloadUnsupported
    }
    return nil
  }
}

/// How the fragments of a datagram leave.
enum FragmentsEgress: BitwiseCopyable, Equatable {
  case asTheyCame
  /// In pieces of at most so many bytes, IP header included.
  case cut(mtu: Int)
  case refused(DropReason)
}

extension PacketMarks {
  /// The frame cannot be sent as it is.
  @inlinable @inline(__always)
  public var needsWork: Bool { !isDisjoint(with: [.checksumPartial, .segmented]) }
}

extension Summary {
  /// Whether there is a checksum that a port or software can finish: that of a whole TCP or UDP datagram whose header
  /// lies in the packet's first segment.
  func isFinishable(_ packet: Packet) -> Bool {
    let header: UInt32 = transport == 6 ? 20 : 8
    return (transport == 6 || transport == 17) && transportOffset != 0 && !isSuspect && !flags.contains(.fragment)
      && UInt32(transportOffset) + header <= packet.contiguous
  }
}
