import Primitives
import Segment
import Testing

/// Connections as conntrack(8) is told of them, and as it tells of them.
extension Connection {
  static let tcpStates = [
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
    "SYN_SENT2",
  ]
  static let sctpStates = [
    "NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
    "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
  ]
  static let numbers: [String: UInt8] = [
    "icmp": 1, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "icmpv6": 58, "sctp": 132, "udplite": 136,
  ]

  /// The connection that `conntrack -I` makes of these options; words it does not know stop the test.
  init(arguments: String) {
    self.init()
    let words = arguments.split(separator: " ").map(String.init)
    let options = Dictionary(
      uniqueKeysWithValues: stride(from: 0, to: words.count, by: 2).map { (words[$0], words[$0 + 1]) })
    let name = options["-p"]!
    self.protocol = Self.numbers[name] ?? UInt8(name)!
    isIPv6 = options["-s"]!.contains(":")
    func address(_ text: String) -> IPv6Address { isIPv6 ? IPv6Address(text)! : IPv6Address(ipv4: IPv4Address(text)!) }
    (original.source, original.destination) = (address(options["-s"]!), address(options["-d"]!))
    func number(_ option: String) -> UInt16? {
      options[option].map { $0.hasPrefix("0x") ? UInt16($0.dropFirst(2), radix: 16)! : UInt16($0)! }
    }
    if let type = number("--icmp-type") ?? number("--icmpv6-type") {
      original.destinationPort = type << 8 | (number("--icmp-code") ?? number("--icmpv6-code") ?? 0)
      original.sourcePort = number("--icmp-id") ?? number("--icmpv6-id") ?? 0
    } else if name != "dccp" {
      original.sourcePort = number("--sport") ?? number("--srckey") ?? 0
      original.destinationPort = number("--dport") ?? number("--dstkey") ?? 0
    }
    reply = original.turned(isICMP: isICMP, isIPv6: isIPv6)
    if let source = options["-r"] { reply.source = address(source) }
    if let destination = options["-q"] { reply.destination = address(destination) }
    if let port = number("--reply-port-src") { reply.sourcePort = port }
    if let port = number("--reply-port-dst") { reply.destinationPort = port }
    original.zone = number("-w") ?? number("--orig-zone") ?? 0
    reply.zone = number("-w") ?? number("--reply-zone") ?? 0
    remaining = UInt32(options["-t"] ?? "100")! * 1000
    mark = UInt32(options["-m"] ?? "0")!
    if let name = options["--state"], name != "OPEN" {
      state = UInt8((self.protocol == 6 ? Self.tcpStates : Self.sctpStates).firstIndex(of: name)!)
    }
    tags = (UInt32(options["--orig-vtag"] ?? "0")!, UInt32(options["--reply-vtag"] ?? "0")!)
    status = Status.confirmed
    for word in options["-u"]?.split(separator: ",") ?? [] {
      status |= ["SEEN_REPLY": Status.seenReply, "ASSURED": Status.assured, "FIXED_TIMEOUT": Status.fixedTimeout][word]!
    }
    id = ConnectionID(rawValue: 1 << 40)
  }
}

extension ConnectionEvent {
  /// What a line of `conntrack -E -o extended,id,timestamp` tells; words it does not know stop the test.
  init(line: String) {
    var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    let times = words.removeFirst().dropFirst().dropLast().split(separator: ".")
    let kind = ["[NEW]": Kind.new, "[UPDATE]": .update, "[DESTROY]": .destroy][words.removeFirst()]!
    self.init(
      sequence: 1, shard: 0, at: UInt64(times[0])! * 1_000_000_000 + UInt64(times[1])! * 1000, kind: kind,
      connection: Connection())
    connection.isIPv6 = words[0] == "ipv6"
    connection.protocol = UInt8(words[3])!
    words.removeFirst(4)
    if let seconds = UInt32(words[0]) {
      connection.remaining = seconds * 1000
      words.removeFirst()
    }
    connection.status = Connection.Status.seenReply | Connection.Status.confirmed
    var tuples: [[String: String]] = []
    for word in words {
      let sides = word.split(separator: "=", maxSplits: 1).map(String.init)
      switch sides[0] {
      case "src": tuples.append(["src": sides[1]])
      case "[UNREPLIED]": connection.status &= ~Connection.Status.seenReply
      case "[ASSURED]": connection.status |= Connection.Status.assured
      case "mark":
        connection.mark = UInt32(sides[1])!
        if connection.mark == 0 { changes.insert(.mark) }
      case "zone": (connection.original.zone, connection.reply.zone) = (UInt16(sides[1])!, UInt16(sides[1])!)
      case "zone-orig": connection.original.zone = UInt16(sides[1])!
      case "zone-reply": connection.reply.zone = UInt16(sides[1])!
      case "delta-time": connection.start = UInt32(times[0])! - UInt32(sides[1])!
      case "[USERSPACE]": originator = .request
      case "portid": client = UInt32(sides[1])!
      case "progname": break
      case "id" where tuples[tuples.count - 1]["code"] != nil && tuples[tuples.count - 1]["id"] == nil:
        tuples[tuples.count - 1]["id"] = sides[1]
      case "id": connection.id = ConnectionID(rawValue: UInt64(sides[1])!)
      case "dst", "sport", "dport", "type", "code", "srckey", "dstkey", "packets", "bytes":
        tuples[tuples.count - 1][sides[0]] = sides[1]
      default:
        let states = connection.protocol == 6 ? Connection.tcpStates : Connection.sctpStates
        connection.state = UInt8(states.firstIndex(of: word)!)
        changes.insert(.state)
      }
    }
    Self.fill(&connection.original, &connection.counts.original, tuples[0], connection.isIPv6)
    Self.fill(&connection.reply, &connection.counts.reply, tuples[1], connection.isIPv6)
  }

  private static func fill(
    _ tuple: inout Connection.Tuple, _ count: inout Connection.Count, _ words: [String: String], _ isIPv6: Bool
  ) {
    func address(_ text: String) -> IPv6Address { isIPv6 ? IPv6Address(text)! : IPv6Address(ipv4: IPv4Address(text)!) }
    (tuple.source, tuple.destination) = (address(words["src"]!), address(words["dst"]!))
    if let type = words["type"] {
      (tuple.sourcePort, tuple.destinationPort) = (UInt16(words["id"]!)!, UInt16(type)! << 8 | UInt16(words["code"]!)!)
    } else if let key = words["srckey"] {
      tuple.sourcePort = UInt16(key.dropFirst(2), radix: 16)!
      tuple.destinationPort = UInt16(words["dstkey"]!.dropFirst(2), radix: 16)!
    } else {
      (tuple.sourcePort, tuple.destinationPort) = (UInt16(words["sport"] ?? "0")!, UInt16(words["dport"] ?? "0")!)
    }
    count = Connection.Count(packets: UInt64(words["packets"] ?? "0")!, bytes: UInt64(words["bytes"] ?? "0")!)
  }
}

/// A line without what differs from run to run: timeouts, ages, uses, numbers of connections and processes.
func masked(_ line: String) -> String {
  var line = line
  if line.contains("<flow") {
    line.replace(#/<(timeout|id|deltatime|use|start|stop|hour|min|sec|wday|day|month|year)>\d+</#) { "<\($0.1)>N<" }
  }
  line.replace(#/^\[\d{8,}\.\d{6}\]\t/#, with: "[time]\t")
  line.replace(#/\[(start|stop)=[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\]/#) { "[\($0.1)]" }
  line.replace(#/ -t \d+/#, with: " -t N")
  line.replace(#/ progname=[^ ]+/#, with: "")
  var words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
  for place in words.indices {
    let name = words[place].prefix { $0 != "=" }
    if ["delta-time", "use", "portid"].contains(name) { words[place] = "\(name)=N" }
    if name == "id", place > 0, !words[place - 1].hasPrefix("code=") { words[place] = "id=N" }
    if place > 0, !words[place].isEmpty, words[place].allSatisfy(\.isNumber),
      !words[place - 1].isEmpty, words[place - 1].allSatisfy(\.isNumber)
    {
      words[place] = "N"
    }
  }
  return words.joined(separator: " ")
}
