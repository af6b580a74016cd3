import Foundation

/// A private Open vSwitch with a datapath of its own, in a network and folder of its own, gone with the last answer.
enum OpenVSwitch {
  struct Answer: Equatable {
    var status: Int32
    var out: String
    /// Without the line in which ovs-appctl says that there was an error, and with our program's name.
    var error: String
  }

  /// Whether it is there, in the version that dpctl speaks, and can be started.
  static let isUsable: Bool = {
    let tools = "ovs-vswitchd ovsdb-server ovsdb-tool ovs-vsctl ovs-ofctl ovs-appctl"
    return getuid() == 0
      && bash("for t in \(tools); do command -v $t >/dev/null || exit; done; ovs-appctl -V").contains(" 3.1")
  }()

  /// What `packets` leave in the table, as docs/control.md has it.
  static let connections = [
    connection("udp", #""sport": 1000, "dport": 53"#), connection("udp", #""sport": 1001, "dport": 53"#),
    connection("tcp", #""sport": 1000, "dport": 80"#, more: #", "tcp": {"state": "SYN_SENT"}"#),
    connection("icmp", #""id": 0, "type": 8, "code": 0"#),
    connection("udp", #""sport": 1000, "dport": 53"#, more: #", "zone": 5, "mark": 17"#),
    connection("udp", #""sport": 1000, "dport": 53"#, l3: "ipv6", ("fd00::1", "fd00::2")),
  ]

  private static func connection(
    _ l4: String, _ ports: String, l3: String = "ipv4", _ ends: (String, String) = ("10.1.1.1", "10.1.1.2"),
    more: String = ""
  ) -> String {
    #"{"l3": "\#(l3)", "l4": "\#(l4)", "timeout": 30, "orig": {"src": "\#(ends.0)", "dst": "\#(ends.1)", \#(ports)}\#(more)}"#
  }

  /// Received by port p, whose connections are in zone 0, and by q, where they are in zone 5 and have mark 17.
  private static let packets: [(port: String, packet: String)] = {
    let ethernet = "in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)"
    let ipv4 = "eth_type(0x0800),ipv4(src=10.1.1.1,dst=10.1.1.2,proto=%,tos=0,ttl=64,frag=no)"
    let ipv6 = "eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,label=0,proto=17,tclass=0,hlimit=64,frag=no)"
    func packet(_ number: Int, _ rest: String) -> String {
      "\(ethernet),\(ipv4.replacing("%", with: "\(number)")),\(rest)"
    }
    return [
      ("p", packet(17, "udp(src=1000,dst=53)")), ("p", packet(17, "udp(src=1001,dst=53)")),
      ("p", packet(6, "tcp(src=1000,dst=80),tcp_flags(syn)")), ("p", packet(1, "icmp(type=8,code=0)")),
      ("q", packet(17, "udp(src=1000,dst=53)")), ("p", "\(ethernet),\(ipv6),udp(src=1000,dst=53)"),
    ]
  }()

  /// Asks in one go, started anew where it has ended.
  ///
  /// - Parameter withConnections: they are all there before each flush-conntrack.
  static func answers(to lines: [[String]], withConnections: Bool = false) -> [Answer] {
    func quoted(_ word: String) -> String { "'\(word)'" }
    let asking = lines.map { words in
      let verb = quoted("dpctl/" + words[0])
      let renewal = withConnections && words[0] == "flush-conntrack" ? "renew\n" : ""
      return renewal + "ask \(([verb] + words.dropFirst().map(quoted)).joined(separator: " "))"
    }
    let text = bash(prelude + asking.joined(separator: "\n"))
    return text.split(separator: "== ", omittingEmptySubsequences: true).compactMap { section in
      let parts = section.split(separator: "--\n", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let head = parts[0].firstIndex(of: "\n"), let status = Int32(parts[0][..<head]) else {
        return nil
      }
      let error = parts[1].split(separator: "\n").filter { !$0.contains(": server returned an error") }
      return Answer(
        status: status, out: String(parts[0][parts[0].index(after: head)...]),
        error: error.map { $0.replacing("ovs-vswitchd: ", with: "dpdkfwd-ctl: ") + "\n" }.joined())
    }
  }

  private static var prelude: String {
    let flows = [
      "in_port=1,ip,actions=ct(commit),output:2", "in_port=1,ipv6,actions=ct(commit),output:2",
      "in_port=2,ip,actions=ct(commit,zone=5,exec(load:17->NXM_NX_CT_MARK[])),output:1",
    ]
    let receive = packets.map { "appctl netdev-dummy/receive \($0.port) '\($0.packet)' >/dev/null" }
    return """
      D=$(mktemp -d)
      export OVS_RUNDIR=$D OVS_LOGDIR=$D OVS_DBDIR=$D OVS_SYSCONFDIR=$D
      # They inherit a mask of signals that leaves no other.
      stop() { kill -KILL $DB $VS 2>/dev/null; wait; }
      trap 'stop; rm -rf $D' EXIT
      appctl() { ovs-appctl -t $D/vs.ctl "$@"; }
      # Looks again and again, for twenty seconds at most.
      until_true() { for ((i = 0; i < 400; i++)); do "$@" && return; sleep 0.05; done; exit 1; }
      start() {
        rm -f $D/*
        ovsdb-tool create $D/conf.db /usr/share/openvswitch/vswitch.ovsschema
        ovsdb-server $D/conf.db --remote=punix:$D/db.sock --unixctl=$D/db.ctl >/dev/null 2>&1 & DB=$!
        until_true test -S $D/db.sock
        ovs-vsctl --db=unix:$D/db.sock --no-wait init
        ovs-vswitchd unix:$D/db.sock --enable-dummy=override --disable-system --unixctl=$D/vs.ctl >/dev/null 2>&1 & VS=$!
        until_true test -S $D/vs.ctl
        ovs-vsctl --db=unix:$D/db.sock add-br br -- set bridge br datapath_type=dummy fail-mode=secure \\
          protocols=[OpenFlow10,OpenFlow13] -- add-port br p -- set interface p type=dummy ofport_request=1 \\
          -- add-port br q -- set interface q type=dummy ofport_request=2
        printf '%s\\n' \(flows.map { "'\($0)'" }.joined(separator: " ")) |
          ovs-ofctl -O OpenFlow13 add-flows unix:$D/br.mgmt -
      }
      has_all() { [ "$(appctl dpctl/ct-get-nconns)" = \(packets.count) ]; }
      renew() {
        appctl dpctl/flush-conntrack
        \(receive.joined(separator: "\n  "))
        until_true has_all
      }
      ask() {
        appctl "$@" >$D/out 2>$D/err
        status=$?
        echo "== $status"; cat $D/out; echo --; cat $D/err
        # It is there no more.
        [ $status != 1 ] || { stop; start; }
      }
      start

      """
  }

  /// In a network of its own.
  private static func bash(_ script: String) -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    process.arguments = ["--net", "bash", "-c", script]
    let out = Pipe()
    process.standardOutput = out
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return "" }
    let text = out.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
  }
}
