import Foundation
import Inspection
import Segment
import TestSupport
import Testing

/// What Linux's conntrack(8) prints of connections, and what we print of the same (interfaces.md D.2; C35, C39): masked
/// are timeouts, ages, uses and numbers of connections and processes, and nothing else.
@Suite(.enabled(if: LinuxConntrack.isUsable, "needs root, unshare, conntrack and a kernel that tracks"))
struct ConntrackDifferentialTests {
  /// One of each kind, as `conntrack -I` is told of them.
  static let samples: [String] =
    Connection.tcpStates.enumerated().map { place, state in
      "-p tcp -s 192.0.2.1 -d 198.51.100.7 --sport \(1000 + place) --dport 80 --state \(state) -t 100"
    }
    + Connection.sctpStates.dropLast().enumerated().map { place, state in
      "-p sctp -s 192.0.2.1 -d 198.51.100.7 --sport \(2000 + place) --dport 80 --state \(state) --orig-vtag 7 "
        + "--reply-vtag \(place) -t 100"
    } + [
      "-p tcp -s 192.0.2.1 -d 198.51.100.7 --sport 1 --dport 80 --state ESTABLISHED -u SEEN_REPLY,ASSURED -m 5 -t 100",
      "-p tcp -s 192.0.2.1 -d 198.51.100.7 --sport 2 --dport 80 --state TIME_WAIT -u SEEN_REPLY -m 4294967295 -t 100",
      "-p udp -s 192.0.2.1 -d 198.51.100.7 --sport 3 --dport 80 -t 100",
      "-p udp -s 192.0.2.1 -d 198.51.100.7 --sport 4 --dport 80 -u SEEN_REPLY,ASSURED,FIXED_TIMEOUT -t 100",
      "-p udp -s 192.0.2.1 -d 198.51.100.7 --sport 5 --dport 80 -u FIXED_TIMEOUT -t 100",
      "-p udp -s 192.0.2.1 -d 198.51.100.7 --sport 6 --dport 80 -u ASSURED -t 100",
      "-p udp -s 192.0.2.1 -d 198.51.100.7 --sport 7 --dport 80 -w 7 -t 100",
      "-p udp -s 192.0.2.1 -d 198.51.100.7 --sport 8 --dport 80 --orig-zone 5 -t 100",
      "-p udp -s 192.0.2.1 -d 198.51.100.7 --sport 9 --dport 80 --reply-zone 6 -u SEEN_REPLY -m 1 -t 100",
      "-p udp -s 192.0.2.1 -d 198.51.100.7 -r 198.51.100.7 -q 203.0.114.9 --sport 11 --dport 80 --reply-port-src 80 "
        + "--reply-port-dst 61000 -t 100",
      "-p icmp -s 192.0.2.1 -d 198.51.100.7 --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 100",
      "-p icmp -s 192.0.2.1 -d 198.51.100.7 --icmp-type 13 --icmp-code 0 --icmp-id 78 -u SEEN_REPLY -t 100",
      "-p icmpv6 -s 2001:db8::1 -d 2001:db8:1::7 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 79 -t 100",
      "-p dccp -s 192.0.2.1 -d 198.51.100.7 --sport 12 --dport 80 --state OPEN --role client -t 100",
      "-p gre -s 192.0.2.1 -d 198.51.100.7 --srckey 0x5 --dstkey 0xc8 -t 100",
      "-p udplite -s 192.0.2.1 -d 198.51.100.7 --sport 13 --dport 80 -t 100",
      "-p 50 -s 192.0.2.1 -d 198.51.100.7 -t 100", "-p 0 -s 192.0.2.1 -d 198.51.100.7 -t 100",
      "-p 255 -s 2001:db8::1 -d 2001:db8::2 -u SEEN_REPLY -t 100",
      "-p tcp -s ::1.2.3.4 -d ::ffff:1.2.3.4 --sport 14 --dport 2 --state ESTABLISHED -t 100",
      "-p tcp -s ::1:0:4 -d :: --sport 15 --dport 2 --state SYN_SENT -w 3 -t 100",
      "-p udp -s 2001:db8:0:1::1 -d 1:0:0:2:0:0:0:3 --sport 16 --dport 2 -u SEEN_REPLY -t 100",
      "-p sctp -s 2001:db8::1 -d 2001:db8::2 --sport 17 --dport 2 --state ESTABLISHED --orig-vtag 4294967295 "
        + "--reply-vtag 1 -u SEEN_REPLY,ASSURED -t 100",
    ]

  /// Forms that print start times and ages need a kernel that keeps them, and the others one that does not.
  static let plain = ["", "extended", "id", "extended,id", "userspace", "save", "xml", "xml,extended,id"]
  static let timed = ["timestamp", "ktimestamp", "extended,id,timestamp,ktimestamp", "xml,timestamp", "xml,ktimestamp"]

  private func output(_ form: String, style: EventStyle = .conntrack) throws -> ConnectionOutput {
    try ConnectionOutput(form.isEmpty ? [] : ConnectionOutput.words(form), now: 1_000_000_000, style: style)
  }

  /// The tool calls SCTP's states in XML by TCP's names of the same numbers; we do not.
  private func asTheToolErrs(_ line: String, _ connection: Connection) -> String {
    guard connection.protocol == 132, line.hasPrefix("<flow") else { return line }
    let number = Int(connection.state)
    return line.replacing(
      "<state>\(Connection.sctpStates[number])</state>", with: "<state>\(Connection.tcpStates[number])</state>")
  }

  private func document(_ lines: [String], _ form: String) throws -> [String] {
    let output = try output(form)
    func split(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }
    return split(output.opening) + lines.sorted() + split(output.closing)
  }

  /// What frames a document stays where it is.
  private func sortedWithin(_ lines: [String]) -> [String] {
    guard lines.first?.hasPrefix("<?xml") == true else { return lines.map(masked).sorted() }
    return Array(lines.prefix(2)) + lines.dropFirst(2).dropLast().map(masked).sorted() + lines.suffix(1)
  }

  /// Lines that only one of two has: `-` the tool, `+` we.
  private func compare(_ tool: [String], _ own: [String], _ what: String) {
    let difference = own.difference(from: tool).map { change in
      switch change {
      case .remove(_, let line, _): "- " + line
      case .insert(_, let line, _): "+ " + line
      }
    }
    #expect(difference.isEmpty && !own.isEmpty, "\(what)\n\(difference.joined(separator: "\n"))")
  }

  private func create() -> String {
    Self.samples.map { "conntrack -I \($0) >/dev/null 2>&1 || echo failed: '\($0)'\n" }.joined()
  }

  @Test(arguments: [false, true]) func `what is listed is what Linux lists`(timestamps: Bool) throws {
    let forms = timestamps ? Self.timed : Self.plain
    let lists = forms.enumerated().map { place, form in
      "echo '== \(place)'; conntrack -L \(form.isEmpty ? "" : "-o \(form)") 2>/dev/null\n"
    }
    let script = LinuxConntrack.prelude(timestamps: timestamps) + create() + lists.joined()
    let sections = LinuxConntrack.sections(LinuxConntrack.run(script))
    #expect(sections[""] == nil, "every sample can be made: \(sections["", default: []])")
    let connections = Self.samples.map { Connection(arguments: $0) }
    for (place, form) in forms.enumerated() {
      let output = try output(form)
      let own = connections.map { masked(asTheToolErrs(output.line($0), $0)) }
      compare(sortedWithin(sections["\(place)", default: []]), try document(own, form), "-o \(form)")
    }
  }

  @Test(arguments: [false, true]) func `what happens is told as Linux tells it`(timestamps: Bool) throws {
    let forms = timestamps ? Self.timed : Self.plain
    let script =
      LinuxConntrack.prelude(timestamps: timestamps)
      + LinuxConntrack.listening(
        forms,
        create()
          + """
          conntrack -U -p tcp -s 192.0.2.1 --sport 1 -m 9 >/dev/null 2>&1
          conntrack -U -p tcp -s 192.0.2.1 --sport 1002 --state ESTABLISHED -u SEEN_REPLY,ASSURED >/dev/null 2>&1
          conntrack -I -p icmp -s 192.0.2.7 -d 198.51.100.7 --icmp-type 8 --icmp-code 0 --icmp-id 7 -t 1 >/dev/null 2>&1
          conntrack -I -p tcp -s 192.0.2.7 -d 198.51.100.7 --sport 7 --dport 8 --state CLOSE -t 1 >/dev/null 2>&1
          while conntrack -L 2>/dev/null | grep -q 192.0.2.7; do :; done
          for family in ipv4 ipv6; do conntrack -D -f $family >/dev/null 2>&1; done
          """)
    let sections = LinuxConntrack.sections(LinuxConntrack.run(script))
    #expect(sections[""] == nil, "\(sections["", default: []])")
    let events = events()
    for (place, form) in forms.enumerated() {
      let output = try output(form)
      let own = events.compactMap { event in
        output.line(.connection(event)).map { masked(asTheToolErrs($0, event.connection)) }
      }
      compare(sortedWithin(sections["\(place)", default: []]), try document(own, form), "-o \(form)")
    }
  }

  /// The same as our rings would have it.
  private func events() -> [ConnectionEvent] {
    func event(
      _ kind: ConnectionEvent.Kind, _ connection: Connection, _ originator: ConnectionEvent.Originator = .request
    ) -> ConnectionEvent {
      ConnectionEvent(
        sequence: 1, shard: 0, at: 1_700_000_000_000_000_000, kind: kind, originator: originator,
        client: originator == .request ? 1 : 0, connection: connection)
    }
    let connections = Self.samples.map { Connection(arguments: $0) }
    var table = connections
    var events = connections.map { event(.new, $0) }
    if let place = table.firstIndex(where: { $0.original.sourcePort == 1 }) {
      table[place].mark = 9
      events.append(event(.update, table[place]))
    }
    if let place = table.firstIndex(where: { $0.original.sourcePort == 1002 }) {
      table[place].state = 3
      table[place].status |= Connection.Status.seenReply | Connection.Status.assured
      events.append(event(.update, table[place]))
    }
    for arguments in [
      "-p icmp -s 192.0.2.7 -d 198.51.100.7 --icmp-type 8 --icmp-id 7 -t 1",
      "-p tcp -s 192.0.2.7 -d 198.51.100.7 --sport 7 --dport 8 --state CLOSE -t 1",
    ] {
      var connection = Connection(arguments: arguments)
      events.append(event(.new, connection))
      connection.remaining = 0
      events.append(event(.destroy, connection, .timeout))
    }
    return events + table.map { event(.destroy, $0) }
  }

  @Test(.enabled(if: LinuxConntrack.hasRules, "needs nft")) func `labels and what packets do are told as Linux does`()
    throws
  {
    let forms = ["labels", "xml,labels", "labels,extended,id", "save"]
    let lists = forms.enumerated().map { place, form in "echo '== list \(place)'; conntrack -L -o \(form) 2>/dev/null\n"
    }
    // The names of labels are read from one place only, so that is covered for this network.
    let script =
      LinuxConntrack.prelude(timestamps: false) + """
        mkdir $D/etc; mount -t tmpfs none $D/etc; mkdir $D/etc/upper $D/etc/work
        mount -t overlay none -o lowerdir=/etc,upperdir=$D/etc/upper,workdir=$D/etc/work /etc
        mkdir -p /etc/xtables; printf '0 zero\\n5 five\\n127 last\\n' >/etc/xtables/connlabel.conf
        ip link set lo up
        nft add table inet t
        nft add chain inet t out '{ type filter hook output priority 0; }'
        nft add rule inet t out udp dport 7 ct label set 5
        nft add rule inet t out udp dport 8 ct label set 9
        nft add rule inet t out udp dport 9 ct mark set 3
        nft add rule inet t out ct state new accept

        """
      + LinuxConntrack.listening(
        forms,
        """
        conntrack -I -p tcp -s 192.0.2.1 -d 198.51.100.7 --sport 1 --dport 80 --state ESTABLISHED -t 100 \\
          --label-add zero,last >/dev/null 2>&1
        conntrack -U -p tcp -s 192.0.2.1 --label-add five >/dev/null 2>&1
        ping -c 1 127.0.0.1 >/dev/null 2>&1
        for port in 7 8 9; do bash -c "echo hi >/dev/udp/127.0.0.1/$port"; done
        \(lists.joined())
        conntrack -D -p tcp >/dev/null 2>&1
        """)
    let sections = LinuxConntrack.sections(LinuxConntrack.run(script))
    for (place, form) in forms.enumerated() {
      let output = try ConnectionOutput(
        ConnectionOutput.words(form), labelNames: [0: "zero", 5: "five", 127: "last"])
      let (connections, events) = packets()
      let listed = connections.map { masked(output.line($0)) }
      compare(
        withoutPorts(sortedWithin(sections["list \(place)", default: []])), try document(listed, form), "-o \(form)")
      let told = events.compactMap { output.line(.connection($0)).map(masked) }
      compare(withoutPorts(sortedWithin(sections["\(place)", default: []])), try document(told, form), "-E -o \(form)")
    }
  }

  /// Ports that the kernel chose, and the identifier of a ping.
  private func withoutPorts(_ lines: [String]) -> [String] {
    let plain = lines.map { line in
      line.replacing(#/\b(sport|dport)=\d{5}\b/#) { "\($0.1)=1" }
        .replacing(#/<(sport|dport)>\d{5}</#) { "<\($0.1)>1<" }
        .replacing(#/--(sport|reply-port-dst) \d{5}\b/#) { "--\($0.1) 1" }
        .replacing(#/code=0 id=\d+/#, with: "code=0 id=1").replacing(#/--icmp-id \d+/#, with: "--icmp-id 1")
    }
    guard plain.first?.hasPrefix("<?xml") == true else { return plain.sorted() }
    return Array(plain.prefix(2)) + plain.dropFirst(2).dropLast().sorted() + plain.suffix(1)
  }

  private func packets() -> (listed: [Connection], events: [ConnectionEvent]) {
    func event(
      _ kind: ConnectionEvent.Kind, _ connection: Connection, _ originator: ConnectionEvent.Originator = .packet,
      _ changes: ConnectionEvent.Changes = []
    ) -> ConnectionEvent {
      ConnectionEvent(
        sequence: 1, shard: 0, at: 0, kind: kind, originator: originator, client: originator == .request ? 1 : 0,
        changes: changes, connection: connection)
    }
    func labels(_ bits: Int...) -> Connection.Labels {
      bits.reduce(into: Connection.Labels()) { labels, bit in
        if bit < 64 { labels.low |= 1 << UInt64(bit) } else { labels.high |= 1 << UInt64(bit - 64) }
      }
    }
    var events: [ConnectionEvent] = []
    var tcp = Connection(arguments: "-p tcp -s 192.0.2.1 -d 198.51.100.7 --sport 1 --dport 80 --state ESTABLISHED")
    tcp.labels = labels(0, 127)
    events.append(event(.new, tcp, .request))
    tcp.labels = labels(0, 5, 127)
    events += [event(.update, tcp, .request, .labels), event(.destroy, tcp, .request)]
    var ping = Connection(arguments: "-p icmp -s 127.0.0.1 -d 127.0.0.1 --icmp-type 8 --icmp-id 1")
    events.append(event(.new, ping))
    ping.status |= Connection.Status.seenReply
    ping.counts = (Connection.Count(packets: 1, bytes: 84), Connection.Count(packets: 1, bytes: 84))
    events.append(event(.update, ping, .packet, .reply))
    let datagrams = [7, 8, 9].map { port in
      var udp = Connection(arguments: "-p udp -s 127.0.0.1 -d 127.0.0.1 --sport 1 --dport \(port)")
      udp.counts.original = Connection.Count(packets: 1, bytes: 31)
      if port == 7 { udp.labels = labels(5) }
      if port == 8 { udp.labels = labels(9) }
      if port == 9 { udp.mark = 3 }
      return udp
    }
    return ([tcp, ping] + datagrams, events + datagrams.map { event(.new, $0) })
  }
}
