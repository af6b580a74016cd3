import Primitives
import Settings

/// A value other than the default for a key: as TOML, as an option's word, and how the settings show it.
struct Sample: Sendable {
  let path: String
  let option: String
  let toml: String
  let word: String
  let isIn: @Sendable (Settings) -> Bool

  static let all: [Sample] = [
    Sample("ports.pairs", toml: "'0:3,1:2'", word: "0:3,1:2") { $0.pairs == [PortPair(0, 3), PortPair(1, 2)] },
    Sample("ports.port-names", toml: "'0=eth0,1=eth1'", word: "0=eth0,1=eth1") {
      $0.portNames == [0: "eth0", 1: "eth1"]
    },
    Sample("ports.rxq", toml: "2", word: "2") { $0.rxq == 2 },
    Sample("ports.txq", toml: "3", word: "3") { $0.txq == 3 },
    Sample("ports.rxd", toml: "512", word: "512") { $0.rxd == 512 },
    Sample("ports.txd", toml: "256", word: "256") { $0.txd == 256 },
    Sample("ports.mtu", toml: "9000", word: "9000") { $0.mtu == 9000 },
    Sample("ports.promiscuous", toml: "false", word: "off") { !$0.promiscuous },
    Sample("ports.link-propagation", toml: "'off'", word: "off") { !$0.linkPropagation },
    Sample("lcores.queue-map", toml: "'(0,0,1),(1,0,2)'", word: "(0,0,1), (1,0,2)") {
      $0.queueMap == [QueueAssignment(port: 0, queue: 0, lcore: 1), QueueAssignment(port: 1, queue: 0, lcore: 2)]
    },
    Sample("lcores.burst", toml: "16", word: "16") { $0.burst == 16 },
    Sample("lcores.idle-sleep", toml: "'spin'", word: "spin") { $0.idleSleep == .spin },
    Sample("mempool.mbufs", toml: "16_383", word: "16383") { $0.mbufs == 16383 },
    Sample("mempool.mbuf-size", toml: "20480", word: "20480") { $0.mbufSize == 20480 },
    Sample("packets.rx-checksum", toml: "'hardware'", word: "hardware") { $0.rxChecksum == .hardware },
    Sample("packets.invalid", toml: "'drop'", word: "drop") { $0.invalid == .drop },
    Sample("packets.tx-retries", toml: "0", word: "0") { $0.txRetries == 0 },
    Sample("run.idle-exit", toml: "0.25", word: "0.25") { $0.idleExit == .milliseconds(250) },
    Sample("run.duration", toml: "60", word: "60") { $0.duration == .seconds(60 as UInt64) },
    Sample("run.dry-run", toml: "true", word: "on") { $0.dryRun },
    Sample("run.user", toml: "'dpdkfwd:monitor'", word: "dpdkfwd : monitor") {
      $0.user == Account(user: "dpdkfwd", group: "monitor")
    },
    Sample("segment.mode", option: "segment-mode", toml: "'0644'", word: "644") { $0.segmentMode == 0o644 },
    Sample("segment.group", option: "segment-group", toml: "'monitor'", word: "100") { $0.segmentGroup != nil },
    Sample("segment.hugetlbfs", option: "segment-hugetlbfs", toml: "'/dev/hugepages'", word: "/dev/hugepages") {
      $0.segmentHugetlbfs == "/dev/hugepages"
    },
    Sample("stats.interval", option: "stats-interval", toml: "0.01", word: "0.01") {
      $0.statsInterval == .milliseconds(10)
    },
    Sample("stats.records", option: "stats-records", toml: "86_400", word: "86400") { $0.statsRecords == 86_400 },
    Sample("log.level", option: "log-level", toml: "'debug'", word: "debug") { $0.logLevel == .debug },
  ]

  private init(
    _ path: String, option: String? = nil, toml: String, word: String, isIn: @escaping @Sendable (Settings) -> Bool
  ) {
    self.path = path
    self.option = option ?? String(path.split(separator: ".")[1])
    self.toml = toml
    self.word = word
    self.isIn = isIn
  }
}
