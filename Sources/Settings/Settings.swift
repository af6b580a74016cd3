// Settings: what the operator asked for and what follows from it. `Settings` is the validated value in which the TOML
// file and the command line end (an option beats the file); `Plan` is what becomes of it on the ports and lcores that
// are there. Both are plain values: made once at start, never changed, and nothing here knows DPDK, a clock or a file
// other than the settings file.
public import Primitives
public import Steering

/// Everything the operator can choose, validated as far as it can be without knowing the ports and lcores.
///
/// `Settings()` holds the defaults. Others come from `SettingsFile.load` and `overridden(by:)`, so that a value which
/// is out of range cannot be made.
public struct Settings: Equatable, Sendable {
  // [ports]
  /// Which ports forward to each other; `nil`: neighbours, 0:1, 2:3 and so on.
  public internal(set) var pairs: [PortPair]?
  /// The names of ports by their number; the others are called port0, port1 and so on.
  public internal(set) var portNames: [Int: String] = [:]
  /// Receive queues of every port; `nil`: one for each worker of the port's socket, as far as the port has them.
  public internal(set) var rxq: Int?
  /// Transmit queues of every port; `nil`: one for each worker that sends on it.
  public internal(set) var txq: Int?
  /// Descriptors of a receive queue, of a transmit queue.
  public internal(set) var rxd = 1024
  public internal(set) var txd = 1024
  /// The largest layer 3 packet in bytes; `nil`: what the port is set to, and egress cuts nothing.
  public internal(set) var mtu: Int?
  public internal(set) var promiscuous = true
  /// Whether a link that goes down takes the other port of its pair down.
  public internal(set) var linkPropagation = true

  // [lcores]
  /// Which lcore polls which receive queue; `nil`: the plan deals them out.
  public internal(set) var queueMap: [QueueAssignment]?
  /// The most packets received, decided and sent together.
  public internal(set) var burst = 32
  public internal(set) var idleSleep = IdleSleep.ramp
  /// What of a packet decides which worker owns it.
  public internal(set) var steer = SteerBy.addressPair
  /// Packets that may wait from one worker to another, a power of two; `nil`: 1024, and less between many workers.
  public internal(set) var handoffRing: Int?

  // [mempool]
  /// Packet buffers in each pool, one pool for each socket in use; `nil`: what the plan needs, and a margin.
  public internal(set) var mbufs: Int?
  /// Bytes of a packet buffer, `Settings.headroom` included.
  public internal(set) var mbufSize = 2048 + Settings.headroom

  // [packets]
  public internal(set) var rxChecksum = RxChecksum.off
  public internal(set) var invalid = InvalidPolicy.forward
  /// Attempts to send what a full transmit queue left over, after the first; then it is dropped and counted.
  public internal(set) var txRetries = 8
  /// What becomes of packets that open a connection.
  public internal(set) var new = NewPolicy.accept
  /// Ports whose packets open no connection, whatever holds for the others.
  public internal(set) var newDropPorts: Set<Int> = []

  // [conntrack] and [timeouts]
  public internal(set) var tracking = TrackingSettings()

  // [fragments]
  public internal(set) var reassembly = ReassemblySettings()

  // [rules] and [flowtable]
  public internal(set) var rules = RuleSettings()

  // [events] and [control]
  public internal(set) var events = EventSettings()
  public internal(set) var control = ControlSettings()

  // [run]
  /// Ends the run, cleanly, when nothing has been received for so long.
  public internal(set) var idleExit: Interval?
  /// Ends the run, cleanly, after so long.
  public internal(set) var duration: Interval?
  /// Whether to print the plan and stop there.
  public internal(set) var dryRun = false
  /// Whom the process becomes once its ports are up; `nil`: whoever started it.
  public internal(set) var user: Account?

  // [segment]
  /// The permissions of the shared-memory files; their folder's follow from it.
  public internal(set) var segmentMode: UInt32 = 0o640
  /// The group that owns them, by name or number; `nil`: the process's.
  public internal(set) var segmentGroup: String?
  /// The hugetlbfs folder that holds them; `nil`: /dev/shm.
  public internal(set) var segmentHugetlbfs: String?

  // [stats]
  /// How often lcores, ports and pools write what they counted into their history, and how many entries it keeps.
  public internal(set) var statsInterval = Interval.seconds(1 as UInt64)
  public internal(set) var statsRecords = 600

  // [log]
  public internal(set) var logLevel = LogLevel.info

  public init() {}

  /// Bytes in front of the data of a packet buffer (Debian builds DPDK with RTE_PKTMBUF_HEADROOM 128).
  public static let headroom = 128

  /// What becomes of packets of this port that open a connection.
  public func newPolicy(port: Int) -> NewPolicy { newDropPorts.contains(port) ? .drop : new }

  /// Whether a packet with a wrong transport checksum is invalid to the tracker: netfilter's `nf_conntrack_checksum`.
  public var trackingChecksum: Bool { tracking.checksum ?? (rxChecksum != .off) }

  /// Who verifies checksums above IP: software, if nobody is asked to and the tracker wants to know.
  public var effectiveRxChecksum: RxChecksum {
    rxChecksum == .off && tracking.isEnabled && trackingChecksum ? .software : rxChecksum
  }

  /// These settings with the command line's words on top.
  ///
  /// - Throws: `.options` with every word that is wrong, not only the first.
  public func overridden(by words: [OptionWord]) throws(SettingsError) -> Settings {
    var settings = self
    var faults: [Fault] = []
    for (option, word) in words {
      do {
        guard let key = Settings.keys.first(where: { $0.option == option }) else {
          throw Refusal("no such option")
        }
        try key.store(&settings, .word(word))
      } catch let refusals as Refusals {
        faults += refusals.list.map { Fault(key: "--\(option)\($0.part)", message: "\($0.reason)") }
      } catch {
        faults.append(Fault(key: "--\(option)", message: "\(error)"))
      }
    }
    guard faults.isEmpty else { throw .options(faults) }
    return settings
  }
}

/// An option's name, without the dashes, and the word given with it.
public typealias OptionWord = (option: String, word: String)
