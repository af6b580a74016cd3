import ArgumentParser
import Settings

struct TrackingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Track connections. (default: on)", valueName: "on|off"))
  var conntrack: String?

  @Option(
    help: ArgumentHelp(
      "Connections each worker has room for. (default: \(defaults.tracking.connections))", valueName: "n"))
  var connections: String?

  @Option(help: ArgumentHelp("Connections of all workers together; 0: no limit. (default: 0)", valueName: "n"))
  var connectionsTotal: String?

  @Option(
    help: ArgumentHelp(
      "Extensions each worker has room for, as IPv6, labels and split zones need. (default: one a connection)",
      valueName: "n"))
  var extensions: String?

  @Option(help: ArgumentHelp("Pick up TCP connections in the middle. (default: on)", valueName: "on|off"))
  var tcpLoose: String?

  @Option(help: ArgumentHelp("Hold only RSTs against the TCP window. (default: off)", valueName: "on|off"))
  var tcpLiberal: String?

  @Option(
    help: ArgumentHelp("Retransmissions in a row that shorten the timeout; 0: none do. (default: 3)", valueName: "n"))
  var tcpMaxRetrans: String?

  @Option(help: ArgumentHelp("Do not call RSTs outside the window invalid. (default: off)", valueName: "on|off"))
  var tcpIgnoreInvalidRst: String?

  @Option(
    help: ArgumentHelp(
      "Packets with a bad transport checksum are invalid. (default: if --rx-checksum verifies them)",
      valueName: "on|off"))
  var conntrackChecksum: String?

  @Option(help: ArgumentHelp("Remember what becomes of connections. (default: on)", valueName: "on|off"))
  var cache: String?

  @Option(help: ArgumentHelp("From when on. (default: assured)", valueName: "assured|reply|confirmed"))
  var cacheAfter: String?

  @Option(
    help: ArgumentHelp(
      "Percent of the connections kept for assured ones. (default: \(defaults.tracking.reserve))", valueName: "percent")
  )
  var reserve: String?

  @Option(
    help: ArgumentHelp("Time of one sweep for expired connections. (default: 5000)", valueName: "milliseconds"))
  var sweepInterval: String?

  @Option(help: ArgumentHelp("Connections one address may open; 0: no limit. (default: 0)", valueName: "n"))
  var sourceLimit: String?

  @Option(help: ArgumentHelp("Connections of each zone; 0: no limit. (default: 0)", valueName: "n"))
  var zoneLimit: String?

  @Option(
    help: ArgumentHelp(
      "A zone, such as 7:ports=0+1,vlan=100,limit=1000,asymmetric; may be repeated.", valueName: "id:key=value,..."))
  var zone: [String] = []

  var words: [(String, String?)] {
    [
      ("conntrack", conntrack), ("connections", connections), ("connections-total", connectionsTotal),
      ("extensions", extensions), ("tcp-loose", tcpLoose), ("tcp-liberal", tcpLiberal),
      ("tcp-max-retrans", tcpMaxRetrans), ("tcp-ignore-invalid-rst", tcpIgnoreInvalidRst),
      ("conntrack-checksum", conntrackChecksum), ("cache", cache), ("cache-after", cacheAfter), ("reserve", reserve),
      ("sweep-interval", sweepInterval), ("source-limit", sourceLimit), ("zone-limit", zoneLimit),
      ("zone", zone.isEmpty ? nil : zone.joined(separator: ";")),
    ]
  }
}
