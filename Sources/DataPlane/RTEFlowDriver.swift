internal import CDPDK
internal import Offload
internal import Primitives

/// Real ports' tables of flows: DPDK's rte_flow. For one thread; before a port stops its rules must be gone.
final class RTEFlowDriver: FlowDriver {
  /// Aged rules that a port tells of at once, at most.
  private static let agedAtOnce = 256

  func place(_ rule: FlowRule, on port: PortID) throws(FlowRefusal) -> FlowHandle {
    var wanted = cdpdk_flow_rule()
    Self.fill(&wanted.source, from: rule.tuple.source)
    Self.fill(&wanted.destination, from: rule.tuple.destination)
    wanted.source_port = rule.tuple.sourcePort
    wanted.destination_port = rule.tuple.destinationPort
    wanted.ipv6 = rule.tuple.isIPv6
    wanted.tcp = rule.tuple.transport == 6
    wanted.queue = rule.queue ?? UInt16.max
    wanted.mark = rule.mark
    wanted.timeout = rule.timeout
    wanted.token = rule.token
    var made: UInt = 0
    try unsafe Self.call { reason in unsafe cdpdk_flow_place(port.rawValue, &wanted, &made, reason) }
    return FlowHandle(rawValue: made)
  }

  func count(_ rule: FlowHandle, on port: PortID) throws(FlowRefusal) -> FlowCount {
    var count = FlowCount()
    try unsafe Self.call { reason in
      unsafe cdpdk_flow_count(port.rawValue, rule.rawValue, &count.packets, &count.bytes, reason)
    }
    return count
  }

  func remove(_ rule: FlowHandle, from port: PortID) throws(FlowRefusal) {
    try unsafe Self.call { reason in unsafe cdpdk_flow_remove(port.rawValue, rule.rawValue, reason) }
  }

  func aged(on port: PortID) -> [UInt64] {
    var tokens = [UInt64](repeating: 0, count: Self.agedAtOnce)
    let found = unsafe cdpdk_flow_aged(port.rawValue, &tokens, UInt32(tokens.count))
    return Array(tokens.prefix(Int(max(found, 0))))
  }

  // MARK: Words and bytes

  private static func call(_ body: (UnsafeMutablePointer<CChar>) -> Int32) throws(FlowRefusal) {
    var reason = [CChar](repeating: 0, count: Int(CDPDK_FLOW_REASON))
    let failed = unsafe reason.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
    guard failed != 0 else { return }
    let kind: FlowRefusal.Kind =
      switch -failed {
      // What is asked for differs in numbers only: who finds it invalid always will.
      case ENOSYS, ENOTSUP, EINVAL: .unsupported
      case EAGAIN, EBUSY: .busy
      default: .failed
      }
    throw FlowRefusal(
      kind, String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
  }

  /// Network order.
  private static func fill<Bytes>(_ bytes: inout Bytes, from address: IPv6Address) {
    unsafe withUnsafeMutableBytes(of: &bytes) { bytes in
      unsafe bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
      unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
  }
}
