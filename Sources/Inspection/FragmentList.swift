public import JSONText
internal import Primitives
internal import Segment

/// The fragments of one datagram, as they stood when its record was copied.
public struct FragmentList {
  /// Open Vswitch's words (F19).
  enum State: String {
    case unused, failed = "reassemble fail", other = "other frag", first = "first frag", last = "last frag"
    case firstAndLast = "first/last frag"
    case complete
  }

  /// The first and the last byte of a part of the payload; `nil`: how far it goes is not known.
  struct Gap: Equatable {
    var first: UInt64
    var last: UInt64?
  }

  let lcore: UInt64
  let isIPv6: Bool
  /// IPv4: the first four bytes.
  let source: IPv6Address
  let destination: IPv6Address
  let identification: UInt64
  let zone: UInt16
  let `protocol`: UInt8
  let state: State
  /// As connections have them; `nil` until the fragment at offset 0 is there.
  let ports: (source: UInt16, destination: UInt16)?
  let vlans: (outer: UInt64?, inner: UInt64?)
  let fragments: UInt64
  let bytes: UInt64
  let mbufs: UInt64
  /// Bytes, of an IP packet.
  let largest: UInt64
  /// Bytes of payload that there are, and that there will be.
  let covered: UInt64
  let end: UInt64?
  /// Milliseconds.
  let age: Int
  let remaining: Int
  /// What is not there yet, in order; `nil`: not looked for.
  let missing: [Gap]?
  /// The tracked connection that it belongs to.
  var flow: ConnectionID?
}

extension FragmentList.State {
  /// - Parameter flags: bits of `frag_flag`.
  init(flags: UInt64, fragments: UInt64) {
    self =
      switch flags {
      case _ where flags & 16 != 0: .failed
      case _ where flags & 8 != 0: .complete
      case _ where flags & 6 == 6: .firstAndLast
      case _ where flags & 2 != 0: .first
      case _ where flags & 4 != 0: .last
      default: fragments == 0 ? .unused : .other
      }
  }
}

extension FragmentList {
  /// A line of Open vSwitch's dump, and behind it what it does not know (F45).
  public var line: String {
    let known =
      "src=\(text(of: source, isIPv6: isIPv6)),dst=\(text(of: destination, isIPv6: isIPv6)),recirc_id=0,ip_id=\(identification),dl_type=0x\(isIPv6 ? "86dd" : "800"),"
      + "zone=\(zone),nw_proto=\(`protocol`),num_fragments=\(fragments),state=\(state.rawValue)"
    let own =
      ",core=\(lcore),age=\(seconds(age)),timeout=\(seconds(remaining)),bytes=\(bytes),mbufs=\(mbufs),"
      + "largest=\(largest)"
    let gaps = missing.map { ",missing=[\($0.map(\.text).joined(separator: " "))]" } ?? ""
    return "(" + known + own + gaps + (flow.map { ",flow=\($0.rawValue)" } ?? "") + ")"
  }

  private func seconds(_ milliseconds: Int) -> String { decimal(UInt64(milliseconds) / 100, digits: 1) }

  /// The same names, times in milliseconds, and what the line has no room for.
  public var json: JSON {
    func number(_ value: UInt64?) -> JSON { value.map { .unsigned($0) } ?? .null }
    return .object(
      [
        ("src", .text(text(of: source, isIPv6: isIPv6))), ("dst", .text(text(of: destination, isIPv6: isIPv6))),
        ("recirc_id", .unsigned(0)),
        ("ip_id", .unsigned(identification)), ("dl_type", .unsigned(isIPv6 ? 0x86dd : 0x800)),
        ("zone", .unsigned(UInt64(zone))), ("nw_proto", .unsigned(UInt64(`protocol`))),
        ("num_fragments", .unsigned(fragments)), ("state", .text(state.rawValue)), ("core", .unsigned(lcore)),
        ("age_ms", .unsigned(UInt64(age))), ("timeout_ms", .unsigned(UInt64(remaining))), ("bytes", .unsigned(bytes)),
        ("mbufs", .unsigned(mbufs)), ("largest", .unsigned(largest)), ("covered", .unsigned(covered)),
        ("end", number(end)),
      ] + (ports.map { [("sport", number(UInt64($0.source))), ("dport", number(UInt64($0.destination)))] } ?? []) + [
        ("vlan_outer", number(vlans.outer)), ("vlan_inner", number(vlans.inner)),
        ("missing", .array((missing ?? []).map { .array([.unsigned($0.first), number($0.last)]) })),
        ("flow", number(flow?.rawValue)),
      ])
  }
}

extension FragmentList.Gap {
  fileprivate var text: String { "\(first)-" + (last.map { "\($0)" } ?? "") }
}
