import CSegment
import Primitives
import Segment

/// Reads lines of dpctl/dump-conntrack, for tests.
enum OpenVSwitchLine {
  /// The attributes of a line, at commas outside parentheses.
  static func attributes(_ line: String) -> [(name: String, value: String)] {
    var parts = [""]
    var depth = 0
    for character in line {
      depth += character == "(" ? 1 : character == ")" ? -1 : 0
      if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts.map { part in
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return (sides[0], sides.count == 2 ? sides[1] : "")
    }
  }

  private static func fields(_ value: String) -> [String: String] {
    Dictionary(uniqueKeysWithValues: attributes(String(value.dropFirst().dropLast())).map { ($0.name, $0.value) })
  }

  /// `nil`: its pair of states is none that we have, or it says something else that we do not know.
  static func connection(_ line: String) -> Connection? {
    let parts = attributes(line)
    var connection = Connection()
    connection.protocol =
      ["icmp": 1, "tcp": 6, "udp": 17, "dccp": 33, "icmpv6": 58, "sctp": 132][parts[0].name]
      ?? UInt8(parts[0].name) ?? 0
    for (name, value) in parts.dropFirst() {
      switch name {
      case "orig": connection.original = tuple(fields(value), &connection)
      case "reply": connection.reply = tuple(fields(value), &connection)
      case "id", "status": guard value == "0" else { return nil }
      case "zone": (connection.original.zone, connection.reply.zone) = (UInt16(value) ?? 0, UInt16(value) ?? 0)
      case "mark": connection.mark = UInt32(value) ?? 0
      case "protoinfo": guard read(fields(value), &connection) else { return nil }
      default: return nil
      }
    }
    return connection
  }

  private static func tuple(_ fields: [String: String], _ connection: inout Connection) -> Connection.Tuple {
    func address(_ text: String) -> IPv6Address {
      connection.isIPv6 = text.contains(":")
      return IPv4Address(text).map { IPv6Address(ipv4: $0) } ?? IPv6Address(text)!
    }
    func number(_ name: String) -> UInt16 { UInt16(fields[name] ?? "") ?? 0 }
    return Connection.Tuple(
      source: address(fields["src"]!), destination: address(fields["dst"]!),
      sourcePort: fields["id"] == nil ? number("sport") : number("id"),
      destinationPort: fields["id"] == nil ? number("dport") : number("type") << 8 | number("code"))
  }

  private static let states: [(pair: String, state: String, replyClosed: Bool)] = [
    ("SYN_SENT/CLOSED", "SYN_SENT", false), ("SYN_SENT/SYN_SENT", "SYN_SENT2", false),
    ("ESTABLISHED/SYN_SENT", "SYN_RECV", false), ("ESTABLISHED/ESTABLISHED", "ESTABLISHED", false),
    ("CLOSING/ESTABLISHED", "FIN_WAIT", false), ("ESTABLISHED/CLOSING", "FIN_WAIT", true),
    ("FIN_WAIT_2/ESTABLISHED", "CLOSE_WAIT", false), ("ESTABLISHED/FIN_WAIT_2", "CLOSE_WAIT", true),
    ("FIN_WAIT_2/CLOSING", "LAST_ACK", false), ("CLOSING/FIN_WAIT_2", "LAST_ACK", true),
    ("FIN_WAIT_2/FIN_WAIT_2", "TIME_WAIT", false), ("TIME_WAIT/TIME_WAIT", "CLOSE", false),
    // Of lines with one.
    ("SYN_SENT", "SYN_SENT", false), ("ESTABLISHED", "ESTABLISHED", false), ("CLOSING", "FIN_WAIT", false),
    ("TIME_WAIT", "TIME_WAIT", false),
  ]

  private static func read(_ fields: [String: String], _ connection: inout Connection) -> Bool {
    let pair = fields["state"] ?? "\(fields["state_orig"]!)/\(fields["state_reply"]!)"
    guard let known = states.first(where: { $0.pair == pair }) else { return false }
    connection.state = UInt8(ConnectionWords.tcpStates.value(of: known.state) ?? 0)
    func flags(_ name: String) -> UInt8? {
      var bits: UInt8 = 0
      for word in (fields[name] ?? "0").split(separator: "|") where word != "0" {
        guard let bit = ConnectionWords.tcpFlags.value(of: String(word)) else { return nil }
        bits |= UInt8(bit)
      }
      return bits
    }
    guard let original = flags("flags_orig"), let reply = flags("flags_reply") else { return false }
    (connection.details.flags_original, connection.details.flags_reply) = (original, reply)
    connection.details.scales =
      (UInt8(fields["wscale_orig"] ?? "") ?? 0) | (UInt8(fields["wscale_reply"] ?? "") ?? 0) << 4
    // Open vSwitch has no flag for it: it would be shown.
    return !known.replyClosed
  }
}
