internal import Conntrack

/// A setting as users write it: `name` under `[table]` in the file, `--option` on the command line.
struct Key: Sendable {
  let table: String
  let name: String
  let option: String
  /// Reads the value and puts it into the settings, or throws a `Refusal`.
  let store: @Sendable (inout Settings, Written) throws -> Void

  /// - Parameter option: the same as `name` unless that says too little without its table.
  init(
    _ table: String, _ name: String, option: String? = nil,
    store: @escaping @Sendable (inout Settings, Written) throws -> Void
  ) {
    self.table = table
    self.name = name
    self.option = option ?? name
    self.store = store
  }

  var path: String { "\(table).\(name)" }
}

extension Settings {
  /// Every setting, one row each. The file, the options, their tests and the manual's are all held against this list.
  static let keys: [Key] =
    [
      Key("ports", "pairs") { $0.pairs = try $1.pairs() },
      Key("ports", "port-names") { $0.portNames = try $1.portNames() },
      Key("ports", "rxq") { $0.rxq = try $1.integer(in: 1...1024) },
      Key("ports", "txq") { $0.txq = try $1.integer(in: 1...1024) },
      Key("ports", "rxd") { $0.rxd = try $1.integer(in: 1...32768) },
      Key("ports", "txd") { $0.txd = try $1.integer(in: 1...32768) },
      Key("ports", "mtu") { $0.mtu = try $1.integer(in: 68...65535) },
      Key("ports", "promiscuous") { $0.promiscuous = try $1.toggle() },
      Key("ports", "link-propagation") { $0.linkPropagation = try $1.toggle() },

      Key("lcores", "queue-map") { $0.queueMap = try $1.queueMap() },
      Key("lcores", "burst") { $0.burst = try $1.integer(in: 1...32) },
      Key("lcores", "idle-sleep") { $0.idleSleep = try $1.idleSleep() },
      Key("lcores", "steer") { $0.steer = try $1.choice() },
      Key("lcores", "handoff-ring") { $0.handoffRing = try $1.powerOfTwo(in: 64...65536) },

      Key("mempool", "mbufs") { $0.mbufs = try $1.integer(in: 64...16_777_216) },
      Key("mempool", "mbuf-size") { $0.mbufSize = try $1.integer(in: 256...65535) },

      Key("packets", "rx-checksum") { $0.rxChecksum = try $1.choice() },
      Key("packets", "invalid") { $0.invalid = try $1.choice() },
      Key("packets", "tx-retries") { $0.txRetries = try $1.integer(in: 0...1000) },
      Key("packets", "new") { $0.new = try $1.choice() },
      Key("packets", "new-drop-ports") { $0.newDropPorts = Set(try $1.numbers(in: 0...65535, of: "ports")) },

      Key("conntrack", "enabled", option: "conntrack") { $0.tracking.isEnabled = try $1.toggle() },
      Key("conntrack", "connections") { $0.tracking.connections = try $1.integer(in: 16...1 << 24) },
      Key("conntrack", "connections-total") { $0.tracking.connectionsTotal = try $1.limit(1 << 32) },
      Key("conntrack", "extensions") { $0.tracking.extensions = try $1.integer(in: 16...1 << 25) },
      Key("conntrack", "tcp-loose") { $0.tracking.policy.tcpLoose = try $1.toggle() },
      Key("conntrack", "tcp-liberal") { $0.tracking.policy.tcpLiberal = try $1.toggle() },
      Key("conntrack", "tcp-max-retrans") { $0.tracking.policy.tcpMaxRetransmissions = try $1.integer(in: 0...255) },
      Key("conntrack", "tcp-ignore-invalid-rst") { $0.tracking.policy.tcpIgnoresInvalidReset = try $1.toggle() },
      Key("conntrack", "checksum", option: "conntrack-checksum") { $0.tracking.checksum = try $1.toggle() },
      Key("conntrack", "cache") { $0.tracking.cache = try $1.toggle() },
      Key("conntrack", "cache-after") { $0.tracking.cacheAfter = try $1.choice() },
      Key("conntrack", "reserve") { $0.tracking.reserve = try $1.integer(in: 0...90) },
      Key("conntrack", "sweep-interval") { $0.tracking.sweepInterval = try $1.milliseconds(in: 100...600_000) },
      Key("conntrack", "source-limit") { $0.tracking.sourceLimit = try $1.limit(1 << 24) },
      Key("conntrack", "zone-limit") { $0.tracking.zoneLimit = try $1.limit(1 << 32) },
      Key("conntrack", "zone") { $0.tracking.zones = try $1.zones() },

      Key("fragments", "v4", option: "frag-v4") { $0.reassembly.ipv4 = try $1.toggle() },
      Key("fragments", "v6", option: "frag-v6") { $0.reassembly.ipv6 = try $1.toggle() },
      Key("fragments", "preset", option: "frag-preset") { $0.reassembly.preset = try $1.choice() },
      Key("fragments", "min-v4", option: "frag-min-v4") { $0.reassembly.smallestIPv4 = try $1.smallestFragment() },
      Key("fragments", "min-v6", option: "frag-min-v6") { $0.reassembly.smallestIPv6 = try $1.smallestFragment() },
      Key("fragments", "timeout-v4", option: "frag-timeout-v4") {
        $0.reassembly.timeoutIPv4 = try $1.seconds(in: 0.1...3600)
      },
      Key("fragments", "timeout-v6", option: "frag-timeout-v6") {
        $0.reassembly.timeoutIPv6 = try $1.seconds(in: 0.1...3600)
      },
      Key("fragments", "max", option: "frag-max") {
        $0.reassembly.fragments = try $1.integer(in: ReassemblySettings.fewest...1 << 22)
      },
      Key("fragments", "mbufs", option: "frag-mbufs") {
        $0.reassembly.mbufs = try $1.integer(in: ReassemblySettings.fewest...1 << 22)
      },
      Key("fragments", "bytes", option: "frag-bytes") {
        $0.reassembly.bytes = try $1.integer(in: 1 << 16...1 << 36)
      },
      Key("fragments", "datagrams", option: "frag-datagrams") {
        $0.reassembly.datagrams = try $1.integer(in: ReassemblySettings.fewest...1 << 22)
      },
      Key("fragments", "per-datagram", option: "frag-per-datagram") {
        $0.reassembly.perDatagram = try $1.integer(in: 2...ReassemblySettings.mostPerDatagram)
      },
      Key("fragments", "source-share", option: "frag-source-share") {
        $0.reassembly.sourceShare = try $1.integer(in: 1...100)
      },
      Key("fragments", "high-watermark", option: "frag-high-watermark") {
        $0.reassembly.high = try $1.integer(in: 1...100)
      },
      Key("fragments", "low-watermark", option: "frag-low-watermark") {
        $0.reassembly.low = try $1.integer(in: 0...100)
      },

      Key("rules", "file", option: "rules") { $0.rules.file = try $1.path() },
      Key("rules", "fail", option: "rules-fail") { $0.rules.fail = try $1.choice() },
      Key("rules", "auto-flowtable") { $0.rules.autoFlowtable = try $1.toggle() },
      Key("flowtable", "tcp-timeout", option: "flowtable-tcp-timeout") {
        $0.rules.tcpTimeout = try $1.integer(in: 1...86_400)
      },
      Key("flowtable", "udp-timeout", option: "flowtable-udp-timeout") {
        $0.rules.udpTimeout = try $1.integer(in: 1...86_400)
      },

      Key("events", "mode", option: "events") { $0.events.mode = try $1.choice() },
      Key("events", "ring", option: "events-ring") { $0.events.ring = try $1.integer(in: 64...1 << 24) },
      Key("events", "dying", option: "events-dying") { $0.events.dying = try $1.integer(in: 64...1 << 24) },

      Key("control", "enabled", option: "control") { $0.control.isOn = try $1.toggle() },
      Key("control", "folder", option: "control-folder") { $0.control.folder = try $1.absolutePath() },
      Key("control", "group", option: "control-group") { $0.control.group = try $1.group() },

      Key("run", "idle-exit") { $0.idleExit = try $1.seconds() },
      Key("run", "duration") { $0.duration = try $1.seconds() },
      Key("run", "dry-run") { $0.dryRun = try $1.toggle() },
      Key("run", "user") { $0.user = try $1.account() },

      Key("segment", "mode", option: "segment-mode") { $0.segmentMode = try $1.fileMode() },
      Key("segment", "group", option: "segment-group") { $0.segmentGroup = try $1.group() },
      Key("segment", "hugetlbfs", option: "segment-hugetlbfs") { $0.segmentHugetlbfs = try $1.absolutePath() },

      Key("stats", "interval", option: "stats-interval") { $0.statsInterval = try $1.seconds(in: 0.01...3600) },
      Key("stats", "records", option: "stats-records") { $0.statsRecords = try $1.integer(in: 600...86_400) },

      Key("log", "level", option: "log-level") { $0.logLevel = try $1.choice() },
    ]
    + Timeout.allCases.map { timeout in
      Key("timeouts", timeout.key) { $0.tracking.policy.timeouts[timeout] = try $1.timeout() }
    }

  static let tables: Set<String> = Set(keys.map(\.table))

  /// The names of all options that are settings, without the dashes.
  public static let optionNames: [String] = keys.map(\.option)
}

extension Timeout {
  /// netfilter's name for it, as settings are spelled.
  var key: String { name.replacing("_", with: "-") }
}
