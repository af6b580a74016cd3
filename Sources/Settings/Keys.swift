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
  static let keys: [Key] = [
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

    Key("mempool", "mbufs") { $0.mbufs = try $1.integer(in: 64...16_777_216) },
    Key("mempool", "mbuf-size") { $0.mbufSize = try $1.integer(in: 256...65535) },

    Key("packets", "rx-checksum") { $0.rxChecksum = try $1.choice() },
    Key("packets", "invalid") { $0.invalid = try $1.choice() },
    Key("packets", "tx-retries") { $0.txRetries = try $1.integer(in: 0...1000) },

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

  static let tables: Set<String> = Set(keys.map(\.table))

  /// The names of all options that are settings, without the dashes.
  public static let optionNames: [String] = keys.map(\.option)
}
