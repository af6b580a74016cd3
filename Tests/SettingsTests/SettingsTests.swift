import Conntrack
import Primitives
import Testing

@testable import Settings

@Suite struct `Settings from a file and from options` {
  @Test func `the samples cover every key and every option`() {
    #expect(Set(Sample.all.map(\.path)) == Set(Settings.keys.map(\.path)))
    #expect(Set(Sample.all.map(\.option)) == Set(Settings.optionNames))
    #expect(Settings.optionNames.count == Set(Settings.optionNames).count)
  }

  @Test(arguments: Sample.all) func `a key of the file sets its setting and no other`(sample: Sample) throws {
    #expect(!sample.isIn(Settings()))
    let settings = try SettingsFile.parse("\(sample.path) = \(sample.toml)", file: "f")
    for other in Sample.all { #expect(other.isIn(settings) == (other.path == sample.path), "\(other.path)") }
  }

  @Test(arguments: Sample.all) func `an option sets its setting and no other`(sample: Sample) throws {
    let settings = try Settings().overridden(by: [(sample.option, sample.word)])
    for other in Sample.all { #expect(other.isIn(settings) == (other.option == sample.option), "\(other.option)") }
  }

  @Test func `an option beats the file and leaves its other keys`() throws {
    let file = try SettingsFile.parse("[lcores]\nburst = 8\nidle-sleep = 'spin'", file: "f")
    let settings = try file.overridden(by: [("burst", "4")])
    #expect(settings.burst == 4)
    #expect(settings.idleSleep == .spin)
  }

  @Test func `idle sleep switched on is the ramp`() throws {
    let spinning = try SettingsFile.parse("lcores.idle-sleep = 'spin'", file: "f")
    #expect(try spinning.overridden(by: [("idle-sleep", "on")]).idleSleep == .ramp)
    #expect(try SettingsFile.parse("lcores.idle-sleep = true", file: "f").idleSleep == .ramp)
  }

  @Test func `an empty file holds the defaults`() throws {
    #expect(try SettingsFile.parse("", file: "f") == Settings())
    #expect(try SettingsFile.parse("[ports]\n[log]\n", file: "f") == Settings())
  }

  @Test func `all bad options are reported together and none is taken`() {
    #expect(
      throws: SettingsError.options([
        Fault(key: "--burst", message: "expected a whole number from 1 to 32, found \"33\""),
        Fault(key: "--rxx", message: "no such option"),
      ])
    ) { try Settings().overridden(by: [("burst", "33"), ("rxx", "1"), ("rxq", "1")]) }
    #expect(SettingsError.options([]).exitStatus == 64)
  }
}

/// A word that an option refuses, and why.
struct Refused: Sendable, CustomTestStringConvertible {
  let option: String
  let word: String
  let message: String

  init(_ option: String, _ word: String, _ message: String) {
    self.option = option
    self.word = word
    self.message = message
  }

  var testDescription: String { "--\(option) \(word)" }

  static let pairs = "expected pairs of ports such as \"0:1,2:3\""
  static let map = "expected (port,queue,lcore) groups such as \"(0,0,1),(1,0,2)\""
  static let account =
    "expected a user such as \"dpdkfwd\", or a user and a group such as \"dpdkfwd:monitor\""
  static let mode = "expected octal permissions from \"0600\" to \"0666\", without execution"

  static let smallest =
    "expected 0, or a number of bytes from 400 to 65535 (see [fragments] in dpdkfwd.toml(5))"
  static let zones = "zones such as \"7:ports=0+1,limit=1000;8:vlan=100,asymmetric\""

  static let all: [Refused] =
    [
      Refused("pairs", "", "\(pairs), found \"\""),
      Refused("pairs", "0", "\(pairs), found \"0\""),
      Refused("pairs", "0:1,", "\(pairs), found \"0:1,\""),
      Refused("pairs", "0:1:2", "\(pairs), found \"0:1:2\""),
      Refused("pairs", "0:-1", "\(pairs), found \"0:-1\""),
      Refused("pairs", "0:123456", "\(pairs), found \"0:123456\""),
      Refused("pairs", "1:1", "port 1 is paired with itself"),
      Refused("pairs", "0:1,1:2", "port 1 is in two pairs"),
      Refused("port-names", "0", "expected names of ports such as \"0=eth0,1=eth1\", found \"0\""),
      Refused("port-names", "0=a b", "\"a b\" is no port name: 1 to 31 letters, digits, and _ - . :"),
      Refused("port-names", "0=", "\"\" is no port name: 1 to 31 letters, digits, and _ - . :"),
      Refused("port-names", "0=a,0=b", "port 0 is named twice"),
      Refused("port-names", "0=a,1=a", "the name \"a\" is given to two ports"),
      Refused("rxq", "0", "expected a whole number from 1 to 1024, found \"0\""),
      Refused("txq", "two", "expected a whole number from 1 to 1024, found \"two\""),
      Refused("rxd", "40000", "expected a whole number from 1 to 32768, found \"40000\""),
      Refused("txd", "1.5", "expected a whole number from 1 to 32768, found \"1.5\""),
      Refused("mtu", "67", "expected a whole number from 68 to 65535, found \"67\""),
      Refused("promiscuous", "yes", "expected on or off, found \"yes\""),
      Refused("link-propagation", "true", "expected on or off, found \"true\""),
      Refused("queue-map", "0,0,1", "\(map), found \"0,0,1\""),
      Refused("queue-map", "()", "\(map), found \"()\""),
      Refused("queue-map", "(0,0)", "\(map), found \"(0,0)\""),
      Refused("queue-map", "(0,0,1)(1,0,1)", "\(map), found \"(0,0,1)(1,0,1)\""),
      Refused("queue-map", "(0,0,1),(0,0,2)", "queue 0 of port 0 is assigned twice"),
      Refused("burst", "64", "expected a whole number from 1 to 32, found \"64\""),
      Refused("idle-sleep", "off", "expected ramp or spin, found \"off\""),
      Refused("steer", "flow", "expected address-pair, five-tuple or port, found \"flow\""),
      Refused("handoff-ring", "100", "expected a power of two from 64 to 65536, found \"100\""),
      Refused("mbufs", "-1", "expected a whole number from 64 to 16777216, found \"-1\""),
      Refused("mbuf-size", "65536", "expected a whole number from 256 to 65535, found \"65536\""),
      Refused("rx-checksum", "on", "expected off, software or hardware, found \"on\""),
      Refused("invalid", "ignore", "expected forward or drop, found \"ignore\""),
      Refused("tx-retries", "1001", "expected a whole number from 0 to 1000, found \"1001\""),
      Refused("new", "deny", "expected accept or drop, found \"deny\""),
      Refused("new-drop-ports", "a", "expected ports from 0 to 65535 such as \"0,1\", found \"a\""),
      Refused("new-drop-ports", "1,1", "1 is there twice"),
      Refused("conntrack", "yes", "expected on or off, found \"yes\""),
      Refused("connections", "15", "expected a whole number from 16 to 16777216, found \"15\""),
      Refused("connections-total", "-1", "expected a whole number from 0 to 4294967296, found \"-1\""),
      Refused("extensions", "0", "expected a whole number from 16 to 33554432, found \"0\""),
      Refused("tcp-loose", "1", "expected on or off, found \"1\""),
      Refused("tcp-liberal", "", "expected on or off, found \"\""),
      Refused("tcp-max-retrans", "256", "expected a whole number from 0 to 255, found \"256\""),
      Refused("tcp-ignore-invalid-rst", "no", "expected on or off, found \"no\""),
      Refused("conntrack-checksum", "software", "expected on or off, found \"software\""),
      Refused("cache", "all", "expected on or off, found \"all\""),
      Refused("cache-after", "new", "expected assured, reply or confirmed, found \"new\""),
      Refused("reserve", "91", "expected a whole number from 0 to 90, found \"91\""),
      Refused("sweep-interval", "99", "expected a whole number from 100 to 600000, found \"99\""),
      Refused("source-limit", "many", "expected a whole number from 0 to 16777216, found \"many\""),
      Refused("zone-limit", "1.5", "expected a whole number from 0 to 4294967296, found \"1.5\""),
      Refused("zone", "", "expected \(zones), found \"\""),
      Refused("zone", "1:2:3", "expected \(zones), found \"1:2:3\""),
      Refused("frag-v4", "1", "expected on or off, found \"1\""),
      Refused("frag-v6", "yes", "expected on or off, found \"yes\""),
      Refused("frag-preset", "vpp", "expected kernel or ovs, found \"vpp\""),
      // F32: the floor, with the documentation's name.
      Refused("frag-min-v4", "399", "\(smallest), found \"399\""),
      Refused("frag-min-v6", "-1", "\(smallest), found \"-1\""),
      Refused("frag-timeout-v4", "0", "expected a number of seconds from 0.1 to 3600.0, found \"0\""),
      Refused("frag-timeout-v6", "3601", "expected a number of seconds from 0.1 to 3600.0, found \"3601\""),
      Refused("frag-max", "63", "expected a whole number from 64 to 4194304, found \"63\""),
      Refused("frag-mbufs", "few", "expected a whole number from 64 to 4194304, found \"few\""),
      Refused("frag-bytes", "1", "expected a whole number from 65536 to 68719476736, found \"1\""),
      Refused("frag-datagrams", "0", "expected a whole number from 64 to 4194304, found \"0\""),
      Refused("frag-per-datagram", "8191", "expected a whole number from 2 to 8190, found \"8191\""),
      Refused("frag-source-share", "0", "expected a whole number from 1 to 100, found \"0\""),
      Refused("frag-high-watermark", "101", "expected a whole number from 1 to 100, found \"101\""),
      Refused("frag-low-watermark", "-1", "expected a whole number from 0 to 100, found \"-1\""),
      Refused("rules", "", "expected a file, found \"\""),
      Refused("rules-fail", "off", "expected open or closed, found \"off\""),
      Refused("auto-flowtable", "yes", "expected on or off, found \"yes\""),
      Refused("flowtable-tcp-timeout", "0", "expected a whole number from 1 to 86400, found \"0\""),
      Refused("flowtable-udp-timeout", "86401", "expected a whole number from 1 to 86400, found \"86401\""),
      Refused("events", "sometimes", "expected auto, on or off, found \"sometimes\""),
      Refused("events-ring", "63", "expected a whole number from 64 to 16777216, found \"63\""),
      Refused("events-dying", "0", "expected a whole number from 64 to 16777216, found \"0\""),
      Refused("control", "maybe", "expected on or off, found \"maybe\""),
      Refused("control-folder", "run", "expected an absolute path, found \"run\""),
      Refused("control-group", "", "expected the name or number of a group, found \"\""),
      Refused("idle-exit", "0", "expected a number of seconds above 0, found \"0\""),
      Refused("idle-exit", "nan", "expected a number of seconds above 0, found \"nan\""),
      Refused("duration", "-1", "expected a number of seconds above 0, found \"-1\""),
      Refused("duration", "1e300", "expected a number of seconds above 0, found \"1e300\""),
      Refused("dry-run", "maybe", "expected on or off, found \"maybe\""),
      Refused("user", "", "\(account), found \"\""),
      Refused("user", "a:", "\(account), found \"a:\""),
      Refused("user", ":a", "\(account), found \":a\""),
      Refused("user", "a:b:c", "\(account), found \"a:b:c\""),
      Refused("user", "a b", "\(account), found \"a b\""),
      Refused("segment-mode", "0400", "\(mode), found \"0400\""),
      Refused("segment-mode", "0755", "\(mode), found \"0755\""),
      Refused("segment-mode", "rw-r--", "\(mode), found \"rw-r--\""),
      Refused("segment-group", "", "expected the name or number of a group, found \"\""),
      Refused("segment-hugetlbfs", "huge", "expected an absolute path, found \"huge\""),
      Refused("stats-interval", "0.009", "expected a number of seconds from 0.01 to 3600.0, found \"0.009\""),
      Refused("stats-interval", "3601", "expected a number of seconds from 0.01 to 3600.0, found \"3601\""),
      Refused("stats-records", "599", "expected a whole number from 600 to 86400, found \"599\""),
      Refused(
        "log-level", "loud",
        "expected trace, debug, info, notice, warning, error or critical, found \"loud\""),
    ]
    + Timeout.allCases.map {
      Refused($0.name.replacing("_", with: "-"), "0", "expected a whole number from 1 to 2000000, found \"0\"")
    }
}

@Suite struct `Bad values` {
  @Test func `every option has a bad word in the list`() {
    #expect(Set(Refused.all.map(\.option)) == Set(Settings.optionNames))
  }

  @Test(arguments: Refused.all) func `a bad word is refused with its reason`(refused: Refused) {
    #expect(throws: SettingsError.options([Fault(key: "--\(refused.option)", message: refused.message)])) {
      try Settings().overridden(by: [(refused.option, refused.word)])
    }
  }

  /// Numbers in quotes, switches as numbers and the like: TOML's types are told apart.
  @Test(arguments: [
    ("ports.rxq = '2'", "expected a whole number from 1 to 1024, found \"2\""),
    ("ports.rxq = 2.0", "expected a whole number from 1 to 1024, found 2.0"),
    ("ports.rxq = true", "expected a whole number from 1 to 1024, found true"),
    ("ports.pairs = [[0, 1]]", "expected pairs of ports such as \"0:1,2:3\", found an array"),
    ("ports.port-names = { 0 = 'a' }", "expected names of ports such as \"0=eth0,1=eth1\", found a table"),
    ("ports.promiscuous = 1", "expected on or off, found 1"),
    ("packets.invalid = false", "expected forward or drop, found false"),
    ("run.duration = '1'", "expected a number of seconds above 0, found \"1\""),
    ("run.duration = 07:32:00", "expected a number of seconds above 0, found a date or time"),
    ("run.duration = inf", "expected a number of seconds above 0, found inf"),
    ("stats.interval = '1'", "expected a number of seconds from 0.01 to 3600.0, found \"1\""),
    ("segment.mode = 0o640", "\(Refused.mode), found 416"),
  ])
  func `a value of the wrong type is refused with what was expected`(line: String, message: String) {
    let path = String(line.prefix { $0 != " " })
    #expect(throws: SettingsError.file("f", [Fault(line: 1, key: path, message: message)])) {
      try SettingsFile.parse(line, file: "f")
    }
  }
}
