import Conntrack
import Primitives
import Settings
import Steering

/// A value other than the default for a key: as TOML, as an option's word, and how the settings show it.
struct Sample: Sendable {
  let path: String
  let option: String
  let toml: String
  let word: String
  let isIn: @Sendable (Settings) -> Bool

  static let all: [Sample] =
    [
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
      Sample("lcores.steer", toml: "'five-tuple'", word: "five-tuple") { $0.steer == .fiveTuple },
      Sample("lcores.handoff-ring", toml: "256", word: "256") { $0.handoffRing == 256 },
      Sample("mempool.mbufs", toml: "16_383", word: "16383") { $0.mbufs == 16383 },
      Sample("mempool.mbuf-size", toml: "20480", word: "20480") { $0.mbufSize == 20480 },
      Sample("packets.rx-checksum", toml: "'hardware'", word: "hardware") { $0.rxChecksum == .hardware },
      Sample("packets.invalid", toml: "'drop'", word: "drop") { $0.invalid == .drop },
      Sample("packets.tx-retries", toml: "0", word: "0") { $0.txRetries == 0 },
      Sample("packets.new", toml: "'drop'", word: "drop") { $0.new == .drop },
      Sample("packets.new-drop-ports", toml: "'0,2'", word: "0+2") { $0.newDropPorts == [0, 2] },
      Sample("conntrack.enabled", option: "conntrack", toml: "false", word: "off") { !$0.tracking.isEnabled },
      Sample("conntrack.connections", toml: "1_000_000", word: "1000000") { $0.tracking.connections == 1_000_000 },
      Sample("conntrack.connections-total", toml: "4096", word: "4096") { $0.tracking.connectionsTotal == 4096 },
      Sample("conntrack.extensions", toml: "512", word: "512") { $0.tracking.extensions == 512 },
      Sample("conntrack.tcp-loose", toml: "false", word: "off") { $0.tracking.policy.tcpLoose == false },
      Sample("conntrack.tcp-liberal", toml: "true", word: "on") { $0.tracking.policy.tcpLiberal == true },
      Sample("conntrack.tcp-max-retrans", toml: "0", word: "0") { $0.tracking.policy.tcpMaxRetransmissions == 0 },
      Sample("conntrack.tcp-ignore-invalid-rst", toml: "true", word: "on") {
        $0.tracking.policy.tcpIgnoresInvalidReset == true
      },
      Sample("conntrack.checksum", option: "conntrack-checksum", toml: "true", word: "on") {
        $0.tracking.checksum == true
      },
      Sample("conntrack.cache", toml: "false", word: "off") { !$0.tracking.cache },
      Sample("conntrack.cache-after", toml: "'reply'", word: "reply") { $0.tracking.cacheAfter == .reply },
      Sample("conntrack.reserve", toml: "0", word: "0") { $0.tracking.reserve == 0 },
      Sample("fragments.v4", option: "frag-v4", toml: "false", word: "off") { !$0.reassembly.ipv4 },
      Sample("fragments.v6", option: "frag-v6", toml: "'off'", word: "off") { !$0.reassembly.ipv6 },
      Sample("fragments.preset", option: "frag-preset", toml: "'ovs'", word: "ovs") { $0.reassembly.preset == .ovs },
      Sample("fragments.min-v4", option: "frag-min-v4", toml: "400", word: "400") {
        $0.reassembly.smallestIPv4 == 400
      },
      Sample("fragments.min-v6", option: "frag-min-v6", toml: "1280", word: "1280") {
        $0.reassembly.smallestIPv6 == 1280
      },
      Sample("fragments.timeout-v4", option: "frag-timeout-v4", toml: "15", word: "15") {
        $0.reassembly.timeoutIPv4 == .seconds(15 as UInt64)
      },
      Sample("fragments.timeout-v6", option: "frag-timeout-v6", toml: "0.5", word: "0.5") {
        $0.reassembly.timeoutIPv6 == .milliseconds(500)
      },
      Sample("fragments.max", option: "frag-max", toml: "1000", word: "1000") { $0.reassembly.fragments == 1000 },
      Sample("fragments.mbufs", option: "frag-mbufs", toml: "2000", word: "2000") { $0.reassembly.mbufs == 2000 },
      Sample("fragments.bytes", option: "frag-bytes", toml: "1_000_000", word: "1000000") {
        $0.reassembly.bytes == 1_000_000
      },
      Sample("fragments.datagrams", option: "frag-datagrams", toml: "500", word: "500") {
        $0.reassembly.datagrams == 500
      },
      Sample("fragments.per-datagram", option: "frag-per-datagram", toml: "8190", word: "8190") {
        $0.reassembly.perDatagram == 8190
      },
      Sample("fragments.source-share", option: "frag-source-share", toml: "10", word: "10") {
        $0.reassembly.sourceShare == 10
      },
      Sample("fragments.high-watermark", option: "frag-high-watermark", toml: "80", word: "80") {
        $0.reassembly.high == 80
      },
      Sample("fragments.low-watermark", option: "frag-low-watermark", toml: "0", word: "0") {
        $0.reassembly.low == 0
      },
      Sample("conntrack.sweep-interval", toml: "1000", word: "1000") {
        $0.tracking.sweepInterval == .milliseconds(1000)
      },
      Sample("conntrack.source-limit", toml: "100", word: "100") { $0.tracking.sourceLimit == 100 },
      Sample("conntrack.zone-limit", toml: "200", word: "200") { $0.tracking.zoneLimit == 200 },
      Sample(
        "conntrack.zone", toml: "[{ id = 7, ports = '0,1', vlan = 100, asymmetric = true }]",
        word: "7:ports=0+1,vlan=100,asymmetric"
      ) {
        $0.tracking.zones.map(\.id) == [7] && $0.tracking.zones[0].ports == [0, 1]
          && $0.tracking.zones[0].vlans == [100] && $0.tracking.zones[0].policy.isAsymmetric == true
      },
      Sample("rules.file", option: "rules", toml: "'/etc/dpdkfwd/rules.nft'", word: "/etc/dpdkfwd/rules.nft") {
        $0.rules.file == "/etc/dpdkfwd/rules.nft"
      },
      Sample("rules.fail", option: "rules-fail", toml: "'closed'", word: "closed") { $0.rules.fail == .closed },
      Sample("rules.auto-flowtable", toml: "true", word: "on") { $0.rules.autoFlowtable },
      Sample("flowtable.tcp-timeout", option: "flowtable-tcp-timeout", toml: "60", word: "60") {
        $0.rules.tcpTimeout == 60
      },
      Sample("flowtable.udp-timeout", option: "flowtable-udp-timeout", toml: "10", word: "10") {
        $0.rules.udpTimeout == 10
      },
      Sample("events.mode", option: "events", toml: "'on'", word: "on") { $0.events.mode == .on },
      Sample("events.ring", option: "events-ring", toml: "1024", word: "1024") { $0.events.ring == 1024 },
      Sample("events.dying", option: "events-dying", toml: "512", word: "512") { $0.events.dying == 512 },
      Sample("control.enabled", option: "control", toml: "false", word: "off") { !$0.control.isOn },
      Sample("control.folder", option: "control-folder", toml: "'/run/edge'", word: "/run/edge") {
        $0.control.folder == "/run/edge"
      },
      Sample("control.group", option: "control-group", toml: "'monitor'", word: "monitor") {
        $0.control.group == "monitor"
      },
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
    + Timeout.allCases.map { timeout in
      Sample("timeouts.\(timeout.name.replacing("_", with: "-"))", toml: "7", word: "7") {
        $0.tracking.policy.seconds(timeout) == 7
      }
    }

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
