import ArgumentParser
import Settings

/// The application options, behind the `--` of the command line.
///
/// Every option is a setting of the same name; its word is read by `Settings`, so that an option and a key of the file
/// take the same values and are refused in the same words.
struct Options: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpdkfwd",
    abstract: "A packet forwarder for DPDK ports.",
    usage: "dpdkfwd <EAL arguments> -- [<options>]",
    discussion: """
      Packets cross from each port to its pair and back. Words before the -- are for DPDK's EAL (lcores, memory, \
      devices), options after it for dpdkfwd. An option beats the settings file. See dpdkfwd(8) for examples.
      """)

  @Option(help: ArgumentHelp("Settings file in TOML; see dpdkfwd.toml(5).", valueName: "file"))
  var config: String?

  @OptionGroup(title: "Ports") var ports: PortOptions
  @OptionGroup(title: "Lcores") var lcores: LcoreOptions
  @OptionGroup(title: "Memory") var mempool: MempoolOptions
  @OptionGroup(title: "Packets") var packets: PacketOptions
  @OptionGroup(title: "Connection tracking") var tracking: TrackingOptions
  @OptionGroup(title: "Fragments") var fragments: FragmentOptions
  @OptionGroup(title: "Timeouts") var timeouts: TimeoutOptions
  @OptionGroup(title: "Rules and flow tables") var rules: RuleOptions
  @OptionGroup(title: "Control and events") var control: ControlArguments
  @OptionGroup(title: "Run") var end: RunOptions
  @OptionGroup(title: "Segment, statistics and log") var output: OutputOptions

  /// Refuses bad words before any file is read; ArgumentParser prints what is thrown and exits 64.
  func validate() throws {
    if let config, config.hasPrefix("(") {
      throw ValidationError("--config names a settings file; l3fwd's \(config) is written --queue-map \"\(config)\"")
    }
    do {
      _ = try Settings().overridden(by: words)
    } catch {
      throw ValidationError(error.description)
    }
  }

  /// The file's settings, or the defaults, with the options on top.
  func settings() throws(SettingsError) -> Settings {
    let base = if let config { try SettingsFile.load(path: config) } else { Settings() }
    return try base.overridden(by: words)
  }

  /// The options that were given, by name.
  private var words: [OptionWord] {
    let all =
      ports.words + lcores.words + mempool.words + packets.words + tracking.words + fragments.words + timeouts.words
      + rules.words + control.words + end.words + output.words
    return all.compactMap { option, word in word.map { (option, $0) } }
  }
}

let defaults = Settings()

struct PortOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Ports that forward to each other. (default: neighbours, 0:1,2:3)", valueName: "a:b,..."))
  var pairs: String?

  @Option(help: ArgumentHelp("Names of ports, such as 0=eth0,1=eth1. (default: port0, port1)", valueName: "n=name,..."))
  var portNames: String?

  @Option(
    help: ArgumentHelp("Receive queues of every port. (default: one for each worker of its socket)", valueName: "n"))
  var rxq: String?

  @Option(help: ArgumentHelp("Transmit queues of every port. (default: one for each lcore that sends)", valueName: "n"))
  var txq: String?

  @Option(help: ArgumentHelp("Descriptors of a receive queue. (default: \(defaults.rxd))", valueName: "n"))
  var rxd: String?

  @Option(help: ArgumentHelp("Descriptors of a transmit queue. (default: \(defaults.txd))", valueName: "n"))
  var txd: String?

  @Option(
    help: ArgumentHelp(
      "MTU of the ports; larger packets are dropped at egress. (default: as it is)", valueName: "bytes")
  )
  var mtu: String?

  @Option(help: ArgumentHelp("Receive frames for every address. (default: on)", valueName: "on|off"))
  var promiscuous: String?

  @Option(help: ArgumentHelp("A link that goes down takes its pair down. (default: on)", valueName: "on|off"))
  var linkPropagation: String?

  fileprivate var words: [(String, String?)] {
    [
      ("pairs", pairs), ("port-names", portNames), ("rxq", rxq), ("txq", txq), ("rxd", rxd), ("txd", txd), ("mtu", mtu),
      ("promiscuous", promiscuous), ("link-propagation", linkPropagation),
    ]
  }
}

struct LcoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which lcore polls which receive queue. (default: dealt out)", valueName: "(port,queue,lcore),..."))
  var queueMap: String?

  @Option(help: ArgumentHelp("Packets handled together, 1 to 32. (default: \(defaults.burst))", valueName: "n"))
  var burst: String?

  @Option(
    help: ArgumentHelp("Sleep longer while there are no packets, or poll on. (default: ramp)", valueName: "ramp|spin"))
  var idleSleep: String?

  @Option(
    help: ArgumentHelp(
      "What of a packet decides which lcore owns it. (default: address-pair)",
      valueName: "address-pair|five-tuple|port"))
  var steer: String?

  @Option(
    help: ArgumentHelp(
      "Packets that may wait from one lcore to another, a power of two. (default: 1024, or less)",
      valueName: "n"))
  var handoffRing: String?

  fileprivate var words: [(String, String?)] {
    [
      ("queue-map", queueMap), ("burst", burst), ("idle-sleep", idleSleep), ("steer", steer),
      ("handoff-ring", handoffRing),
    ]
  }
}

struct MempoolOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Packet buffers for each socket in use. (default: the need and a quarter)", valueName: "n"))
  var mbufs: String?

  @Option(
    help: ArgumentHelp(
      "Bytes of a packet buffer, \(Settings.headroom) of headroom included. (default: \(defaults.mbufSize))",
      valueName: "bytes"))
  var mbufSize: String?

  fileprivate var words: [(String, String?)] { [("mbufs", mbufs), ("mbuf-size", mbufSize)] }
}

struct PacketOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Who verifies checksums above IP. (default: off)", valueName: "off|software|hardware"))
  var rxChecksum: String?

  @Option(help: ArgumentHelp("Packets that are invalid above IP. (default: forward)", valueName: "forward|drop"))
  var invalid: String?

  @Option(
    help: ArgumentHelp("Further attempts on a full transmit queue. (default: \(defaults.txRetries))", valueName: "n"))
  var txRetries: String?

  @Option(help: ArgumentHelp("Packets that open a connection. (default: accept)", valueName: "accept|drop"))
  var new: String?

  @Option(help: ArgumentHelp("Ports whose packets open no connection.", valueName: "n,..."))
  var newDropPorts: String?

  fileprivate var words: [(String, String?)] {
    [
      ("rx-checksum", rxChecksum), ("invalid", invalid), ("tx-retries", txRetries), ("new", new),
      ("new-drop-ports", newDropPorts),
    ]
  }
}

struct RunOptions: ParsableArguments {
  @Option(help: ArgumentHelp("End once nothing has been received for so long.", valueName: "seconds"))
  var idleExit: String?

  @Option(help: ArgumentHelp("End after so long.", valueName: "seconds"))
  var duration: String?

  @Flag(help: "Validate everything, print the plan, touch no traffic.")
  var dryRun = false

  @Option(help: ArgumentHelp("Give up root for this user once the ports are up.", valueName: "name[:group]"))
  var user: String?

  fileprivate var words: [(String, String?)] {
    [("idle-exit", idleExit), ("duration", duration), ("dry-run", dryRun ? "on" : nil), ("user", user)]
  }
}

struct OutputOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Permissions of the shared-memory files. (default: 0640)", valueName: "octal"))
  var segmentMode: String?

  @Option(help: ArgumentHelp("Group of the shared-memory files. (default: the process's)", valueName: "group"))
  var segmentGroup: String?

  @Option(help: ArgumentHelp("Folder on hugetlbfs for the shared memory. (default: /dev/shm)", valueName: "folder"))
  var segmentHugetlbfs: String?

  @Option(help: ArgumentHelp("Time between two entries of the statistics' history. (default: 1)", valueName: "seconds"))
  var statsInterval: String?

  @Option(
    help: ArgumentHelp(
      "Entries the statistics' history keeps, 600 or more. (default: \(defaults.statsRecords))", valueName: "n"))
  var statsRecords: String?

  @Option(
    help: ArgumentHelp(
      "Least severe message logged: trace, debug, info, notice, warning, error, critical. (default: info)",
      valueName: "level"))
  var logLevel: String?

  fileprivate var words: [(String, String?)] {
    [
      ("segment-mode", segmentMode), ("segment-group", segmentGroup), ("segment-hugetlbfs", segmentHugetlbfs),
      ("stats-interval", statsInterval), ("stats-records", statsRecords), ("log-level", logLevel),
    ]
  }
}
