// DataPlane: the forwarder on real ports. It brings the EAL, ports, pools and lcores up by a `Plan`, runs one worker on
// each lcore, supervises them, and takes everything down again in order. It is the only module that imports CDPDK, and
// the only one that knows a clock. What it owns (mbufs, ports, the segment) it owns from the making of a
// `Forwarder` to the end of its run, where every mbuf must be back in its pool.
internal import CDPDK
internal import Glibc
public import Settings

/// What went wrong on the border to DPDK or the host.
public enum DataPlaneError: Error, CustomStringConvertible {
  /// The EAL's own arguments are wrong: the user's slip.
  case arguments(String)
  /// rte_eal_init refused the host.
  case eal(String)
  /// A call of DPDK failed.
  case call(String, cause: String)
  /// The plan cannot be carried out on these ports.
  case refused(String)

  public var description: String {
    switch self {
    case .arguments(let cause): "EAL arguments: \(cause)"
    case .eal(let cause): "the EAL did not start: \(cause)"
    case .call(let what, let cause): "\(what): \(cause)"
    case .refused(let why): why
    }
  }
}

/// DPDK's environment abstraction layer: once in a process.
public enum EAL {
  /// Starts the EAL with its own arguments, the program's name first.
  ///
  /// - Parameter virtualDevices: what `--vdev` asks for among them; a port that the EAL could not make is an error.
  public static func start(_ arguments: [String], virtualDevices: [String]) throws(DataPlaneError) {
    var words = unsafe arguments.map { unsafe strdup($0) }
    // The EAL keeps pointers into its arguments: they are never freed.
    let parsed = unsafe rte_eal_init(Int32(words.count), &words)
    guard parsed >= 0 else {
      let cause = LogBridge.complaint ?? errorText(cdpdk_errno())
      throw cdpdk_errno() == EINVAL ? .arguments(cause) : .eal(cause)
    }
    guard parsed == arguments.count - 1 else {
      throw .arguments("'\(arguments[Int(parsed) + 1])' is not one of them; application options follow '--'")
    }
    guard rte_eal_process_type() == RTE_PROC_PRIMARY else {
      throw .arguments("dpdkfwd owns its ports; it cannot be the secondary process of another")
    }
    for device in virtualDevices { try check(device) }
  }

  /// The EAL goes on without a virtual port that it could not make; a forwarder must not.
  private static func check(_ device: String) throws(DataPlaneError) {
    var port: UInt16 = 0
    guard device.hasPrefix("net_") || device.hasPrefix("eth_"), unsafe rte_eth_dev_get_port_by_name(device, &port) != 0
    else { return }
    throw .refused("the port \(device) could not be made: \(LogBridge.complaint ?? "no reason was given")")
  }

  /// Closes what ports are left and gives back what the EAL took.
  public static func end() {
    for port in unownedPorts() {
      _ = rte_eth_dev_stop(port)
      _ = rte_eth_dev_close(port)
    }
    _ = rte_eal_cleanup()
  }

  /// The ports the EAL found, in order of their numbers.
  public static func ports() throws(DataPlaneError) -> [PortFacts] {
    var facts: [PortFacts] = []
    for port in unownedPorts() { facts.append(try Port.facts(port)) }
    return facts
  }

  /// Ports that are nobody's: the parts of a bonded or fail-safe port belong to it.
  private static func unownedPorts() -> [UInt16] {
    var ports: [UInt16] = []
    var port = rte_eth_find_next_owned_by(0, UInt64(RTE_ETH_DEV_NO_OWNER))
    while port < UInt64(RTE_MAX_ETHPORTS) {
      ports.append(UInt16(port))
      port = rte_eth_find_next_owned_by(UInt16(port) + 1, UInt64(RTE_ETH_DEV_NO_OWNER))
    }
    return ports
  }

  /// The lcores the EAL was given, main first.
  public static func lcores() -> [LcoreFacts] {
    let main = rte_get_main_lcore()
    var facts = [LcoreFacts(id: Int(main), socket: socket(main), isMain: true)]
    for id in 0..<UInt32(RTE_MAX_LCORE) where id != main && rte_lcore_is_enabled(id) != 0 {
      facts.append(LcoreFacts(id: Int(id), socket: socket(id), isMain: false))
    }
    return facts
  }

  private static func socket(_ lcore: UInt32) -> Int { Int(rte_lcore_to_socket_id(lcore)) }

  /// Text of a positive or negative errno.
  static func errorText(_ code: Int32) -> String { unsafe String(cString: rte_strerror(abs(code))) }
}
