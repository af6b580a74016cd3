public import CHook
public import Primitives
public import Wire

/// What a program is told of a packet besides its bytes.
public struct HookFacts: BitwiseCopyable, Sendable {
  public var ingress: PortID
  /// `nil`: not known yet.
  public var egress: PortID?
  /// One bit, as nft counts them (`DPDKFWD_BPF_CT_NEW` and so on); 0 before connections are tracked.
  public var state: UInt8 = 0
  public var isReply = false
  public var zone: UInt16 = 0
  /// The connection's.
  public var mark: UInt32 = 0

  @inlinable public init(ingress: PortID, egress: PortID? = nil) {
    self.ingress = ingress
    self.egress = egress
  }
}

/// What a program says.
public struct HookVerdict: BitwiseCopyable, Equatable, Sendable {
  public var accepts: Bool
  /// The connection's mark from now on.
  public var mark: UInt32

  @inlinable public init(accepts: Bool, mark: UInt32) {
    self.accepts = accepts
    self.mark = mark
  }
}

/// A loaded program as a worker calls it: three words, valid as long as whoever loaded it keeps it.
@safe
public struct HookCall: BitwiseCopyable, @unchecked Sendable {
  private let program: chook_program

  @unsafe public init(_ program: chook_program) { unsafe self.program = unsafe program }

  /// Runs the program on a packet.
  ///
  /// - Parameters:
  ///   - frame: what of it lies in one piece, from its first byte.
  ///   - length: bytes of the whole.
  public func judge(_ frame: RawSpan, length: Int, _ summary: Summary, _ facts: HookFacts) -> HookVerdict {
    var packet = dpdkfwd_bpf_packet()
    packet.length = UInt32(truncatingIfNeeded: length)
    packet.ingress = facts.ingress.rawValue
    packet.egress = facts.egress?.rawValue ?? .max
    packet.ether_type = summary.etherType
    packet.vlan = summary.outerVLAN
    packet.vlan_count = summary.vlanCount
    packet.network = summary.networkOffset
    packet.transport = summary.transportOffset
    packet.source_port = summary.sourcePort
    packet.destination_port = summary.destinationPort
    packet.protocol = summary.transport
    packet.tcp_flags = summary.tcpFlags
    packet.hop_limit = summary.hopLimit
    if summary.flags.contains(.fragment) { packet.fragment = summary.flags.contains(.firstFragment) ? 1 : 2 }
    packet.ct_state = facts.state
    packet.ct_reply = facts.isReply ? 1 : 0
    packet.zone = facts.zone
    packet.mark = facts.mark
    let held = min(frame.byteCount, Int(DPDKFWD_BPF_FRAME))
    packet.held = UInt16(held)
    let network = Int(summary.networkOffset)
    unsafe frame.withUnsafeBytes { bytes in
      unsafe withUnsafeMutableBytes(of: &packet.frame) {
        unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<held]))
      }
      if summary.flags.contains(.ipv4), network + 20 <= bytes.count {
        packet.ip_version = 4
        packet.source.0 = unsafe Self.word(bytes, network + 12)
        packet.destination.0 = unsafe Self.word(bytes, network + 16)
      } else if summary.flags.contains(.ipv6), network + 40 <= bytes.count {
        packet.ip_version = 6
        unsafe Self.fill(&packet.source, bytes, network + 8)
        unsafe Self.fill(&packet.destination, bytes, network + 24)
      }
    }
    let answer = unsafe chook_run(program, &packet)
    return HookVerdict(accepts: answer != UInt64(DPDKFWD_BPF_DROP), mark: packet.mark)
  }

  /// An IPv6 address.
  @inline(__always)
  private static func fill(_ words: inout (UInt32, UInt32, UInt32, UInt32), _ bytes: UnsafeRawBufferPointer, _ at: Int)
  {
    unsafe words = (word(bytes, at), word(bytes, at + 4), word(bytes, at + 8), word(bytes, at + 12))
  }

  @inline(__always)
  private static func word(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt32 {
    unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
  }
}
