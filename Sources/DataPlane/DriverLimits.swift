/// What some drivers do with a packet that their capabilities do not say. Each line was seen with DPDK 22.11.
struct DriverLimits: Sendable {
  /// Longest frame that leaves whole when it lies in several segments; in bytes.
  var longestChained = UInt32.max
  /// Longest frame that leaves whole at all.
  var longest = UInt32.max
  /// Packets that wait in the port are not given back when it closes; they must be taken out first.
  var keepsPackets = false
  /// The link is reported as up whatever becomes of the kernel's interface behind the port; the kernel must be asked.
  var assumesLink = false

  init(driver: String) {
    switch driver {
    case "net_pcap":
      // A chain is copied to a buffer of RTE_ETHER_MAX_JUMBO_FRAME_LEN bytes and cut there without a word.
      longestChained = 0x3F00
      // The capture's snapshot length; a longer record cannot be read back.
      longest = 65_535
    case "net_ring":
      // The rings belong to whoever made the port and outlive it.
      keepsPackets = true
    case "net_af_packet":
      assumesLink = true
    default: break
    }
  }
}
