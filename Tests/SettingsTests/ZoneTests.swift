import Conntrack
import Primitives
import Testing

@testable import Settings

@Suite struct `Zones` {
  private let file = """
    [timeouts]
    udp-timeout = 20

    [conntrack]
    zone-limit = 5000
    tcp-liberal = true

    [[conntrack.zone]]
    id = 7
    ports = "0,1"
    limit = 1000
    udp-timeout = 60

    [[conntrack.zone]]
    id = 8
    vlan = 100
    direction = "original"
    tcp-liberal = false

    [[conntrack.zone]]
    id = 9
    ports = 1
    vlan = "100,200"
    asymmetric = true
    """

  @Test func `say the same in a file and on the command line`() throws {
    let written = try SettingsFile.parse(file, file: "f").tracking.zones
    let option =
      "9 : ports=1, vlan=100+200, asymmetric; 7:ports=0+1,limit=1000,udp-timeout=60;8:vlan=100,direction=original,"
      + "tcp-liberal=off"
    #expect(try Settings().overridden(by: [("zone", option)]).tracking.zones == written)
    #expect(written.map(\.id) == [7, 8, 9])
  }

  /// conformance: zones by port and VLAN; the most specific claim wins.
  @Test func `claim packets by port and VLAN, then VLAN, then port`() throws {
    let tracking = try SettingsFile.parse(file, file: "f").tracking
    #expect(tracking.zone(port: 0, vlan: nil)?.id == 7)
    #expect(tracking.zone(port: 1, vlan: nil)?.id == 7)
    #expect(tracking.zone(port: 0, vlan: 100)?.id == 8)
    #expect(tracking.zone(port: 1, vlan: 100)?.id == 9)
    #expect(tracking.zone(port: 1, vlan: 200)?.id == 9)
    #expect(tracking.zone(port: 1, vlan: 300)?.id == 7)
    #expect(tracking.zone(port: 2, vlan: 200) == nil)
    #expect(tracking.zone(port: 2, vlan: nil) == nil)
  }

  @Test func `follow the others in what they do not say`() throws {
    let tracking = try SettingsFile.parse(file, file: "f").tracking
    #expect(tracking.limit(zone: 7) == 1000)
    #expect(tracking.limit(zone: 8) == 5000)
    #expect(tracking.limit(zone: 0) == 5000)
    #expect(tracking.policy(zone: 7).seconds(.udp) == 60)
    #expect(tracking.policy(zone: 8).seconds(.udp) == 20)
    #expect(tracking.policy(zone: 8).seconds(.udpStream) == 120)
    #expect(tracking.policy(zone: 7).tcpLiberal == true)
    #expect(tracking.policy(zone: 8).tcpLiberal == false)
    #expect(tracking.policy(zone: 9).isAsymmetric == true)
    #expect(tracking.policy(zone: 1).isAsymmetric == false)
  }

  @Test func `become what trackers read`() throws {
    let policy = try SettingsFile.parse(file, file: "f").tracking.policy(zone: 9)
    let table = policy.timeoutTable()
    let told = policy.trackingPolicy(table.lent)
    #expect(told.timeouts[.udp] == 20_000)
    #expect(told.timeouts[.tcpEstablished] == 432_000_000)
    #expect(told.tcpLiberal && told.tcpLoose && told.isAsymmetric && !told.tcpIgnoresInvalidReset)
    #expect(told.tcpMaxRetransmissions == 3)
    withExtendedLifetime(table) {}
  }

  @Test func `are refused with all that is wrong, each with its line`() throws {
    let text = """
      [[conntrack.zone]]
      id = 7
      port = "0"
      limit = 0

      [[conntrack.zone]]
      ports = "0,0"

      [[conntrack.zone]]
      id = 7
      vlan = 5

      [[conntrack.zone]]
      id = 65536
      vlan = "5,6"
      """
    let error = try #require(throws: SettingsError.self) { try SettingsFile.parse(text, file: "f") }
    #expect(
      error.description == """
        f:3: conntrack.zone[0].port: unknown key; did you mean ports?
        f:4: conntrack.zone[0].limit: expected a whole number from 1 to 4294967296, found 0
        f:6: conntrack.zone[1]: a zone has an id
        f:7: conntrack.zone[1].ports: 0 is there twice
        f:10: conntrack.zone[2].id: zone 7 is there twice
        f:13: conntrack.zone[3]: zone 7 claims the same packets
        f:14: conntrack.zone[3].id: expected a whole number from 0 to 65535, found 65536
        """)
  }

  @Test func `are refused on the command line with their place`() throws {
    let error = try #require(throws: SettingsError.self) {
      try Settings().overridden(by: [("zone", "7:ports=0;8:limit=x,asymetric")])
    }
    #expect(
      error.description == """
        --zone[1].limit: expected a whole number from 1 to 4294967296, found "x"
        --zone[1].asymetric: unknown key; did you mean asymmetric?
        """)
  }
}

@Suite struct `The checksum switch of tracking` {
  @Test(arguments: [
    ("off", nil, false, RxChecksum.off), ("software", nil, true, .software), ("hardware", nil, true, .hardware),
    ("off", "on", true, .software), ("software", "off", false, .software), ("off", "off", false, .off),
  ])
  func `follows rx-checksum unless it is set`(rx: String, own: String?, invalid: Bool, by: RxChecksum) throws {
    let words = [("rx-checksum", rx)] + (own.map { [("conntrack-checksum", $0)] } ?? [])
    let settings = try Settings().overridden(by: words)
    #expect(settings.trackingChecksum == invalid)
    #expect(settings.effectiveRxChecksum == by)
  }

  @Test func `asks nobody to verify when nothing is tracked`() throws {
    let settings = try Settings().overridden(by: [("conntrack", "off"), ("conntrack-checksum", "on")])
    #expect(settings.effectiveRxChecksum == .off)
  }
}

@Suite struct `New connections` {
  @Test func `are accepted or dropped by port`() throws {
    let settings = try Settings().overridden(by: [("new-drop-ports", "1")])
    #expect(settings.newPolicy(port: 0) == .accept)
    #expect(settings.newPolicy(port: 1) == .drop)
    #expect(try Settings().overridden(by: [("new", "drop")]).newPolicy(port: 0) == .drop)
  }
}
