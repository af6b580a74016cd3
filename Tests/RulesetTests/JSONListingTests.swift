import JSONText
import Ruleset
import Testing

/// `list ruleset -j`: what nft makes of our JSON is what it makes of our text.
struct JSONListingTests {
  private static let themes: [Theme] = [
    .matches, .addresses, .flags, .transport, .extensions, .link, .connections, .sets, .maps, .statements, .limits,
    .namedSets, .tables, .chains, .priorities,
  ]

  /// What nft 1.0.6 cannot read of its own JSON.
  private static let beyondJSON = [
    "add @learned", "update @learned", "ipv4_addr . inet_service; elements = { 22",
    "typeof", "auto-merge", "comment", "counter; elements", "counter packets 5 bytes 6 comment",
  ]

  private static var json: ListOptions {
    var options = ListOptions()
    options.json = true
    options.ports = ["lo"]
    return options
  }

  @Test(.enabled(if: RealNft.isThere, "nft in a network namespace of its own is not available"), arguments: themes)
  func `nft reads our JSON as it reads our text`(_ theme: Theme) throws {
    // Every second: whether both mean the same to nft is for the other differential tests.
    let half = theme.texts.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    let texts = half.filter { text in !Self.beyondJSON.contains { text.contains($0) } }
    let rulesets = texts.compactMap { text in (try? read(text)).map { (text, $0) } }
    let byText = try RealNft.judge(rulesets.map { $0.1.listing() })
    let byJSON = try RealNft.judge(rulesets.map { Self.known($0.1.listing(Self.json)) }, json: true)
    for ((text, ruleset), (one, other)) in zip(rulesets, zip(byText, byJSON)) where one.isAccepted {
      #expect(other.isAccepted, "\(text)\n\(other.faults)\n\(ruleset.listing(Self.json))")
      guard other.isAccepted else { continue }
      let (theirs, ours) = (Self.plain(one.listing), Self.plain(other.listing))
      guard theirs != ours else { continue }
      Issue.record("\(text)\nby text:\n\(theirs)\nby JSON:\n\(ours)\n\(ruleset.listing(Self.json))")
    }
  }

  /// Without what goes by a flag that nft 1.0.6 neither writes nor reads in JSON.
  private static func plain(_ listing: String) -> String {
    RealNft.plain(listing).split(separator: "\n").filter { line in
      !["flags timeout", "flags dynamic", "flags dynamic,timeout", "size 65535"].contains(line)
    }.joined(separator: "\n")
  }

  /// nft 1.0.6 neither writes nor reads this flag in JSON.
  private static func known(_ json: String) -> String {
    json.replacing("\"dynamic\", ", with: "").replacing("\"dynamic\"", with: "")
  }

  @Test func `the first object says which schema it is`() throws {
    let json = try JSON(parsing: Ruleset().listing(Self.json))
    #expect(json["nftables"]?.asArray?.first?["metainfo"]?["json_schema_version"] == .unsigned(1))
    #expect(json["nftables"]?.asArray?.first?["metainfo"]?["release_name"] == .text("dpdkfwd"))
  }

  @Test func `each kind of object has its name and members`() throws {
    let ruleset = try read(
      """
      table ip t {
        counter n { packets 1 bytes 2; }
        set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }
        flowtable f { hook ingress priority 0; devices = { lo }; counter; timeout 30s; }
        chain c { type filter hook forward priority 0; policy drop; ct state new tcp dport { 22, 80-90 } flow add @f; }
      }
      """)
    let objects = try JSON(parsing: ruleset.listing(Self.json))["nftables"]?.asArray?.map(\.line) ?? []
    #expect(
      Array(objects.dropFirst()) == [
        #"{"table": {"family": "ip", "name": "t", "handle": 1}}"#,
        #"{"chain": {"family": "ip", "table": "t", "name": "c", "handle": 1, "type": "filter", "hook": "forward", "#
          + #""prio": 0, "policy": "drop"}}"#,
        #"{"counter": {"family": "ip", "name": "n", "table": "t", "handle": 2, "packets": 1, "bytes": 2}}"#,
        #"{"set": {"family": "ip", "name": "s", "table": "t", "type": "ipv4_addr", "handle": 3, "#
          + #""flags": ["interval"], "elem": [{"prefix": {"addr": "10.0.0.0", "len": 8}}]}}"#,
        #"{"flowtable": {"family": "ip", "name": "f", "table": "t", "handle": 4, "hook": "ingress", "prio": 0, "#
          + #""dev": "lo", "counter": true, "timeout": 30}}"#,
        #"{"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 5, "expr": [{"match": {"op": "in", "left": "#
          + #"{"ct": {"key": "state"}}, "right": "new"}}, {"match": {"op": "==", "left": {"payload": "#
          + #"{"protocol": "tcp", "field": "dport"}}, "right": {"set": [22, {"range": [80, 90]}]}}}, "#
          + #"{"flow": {"op": "add", "flowtable": "@f"}}]}}"#,
      ])
  }
}
