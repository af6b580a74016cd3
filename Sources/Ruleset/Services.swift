internal import Foundation

/// Names of ports and of IP protocols. nft asks the system's files; a machine may have none, so the usual names are
/// here, and a services file, where there is one, adds its own.
enum Services {
  static let ports: Symbols = {
    let own = usual.map { ($0.0, UInt128($0.1)) }
    let known = Set(usual.map(\.0))
    return Symbols(own + read("/etc/services").filter { !known.contains($0.0) })
  }()

  static let protocols = Symbols((numbers + others).map { ($0.0, UInt128($0.1)) })

  /// Lines of `NAME NUMBER[/PROTOCOL] [ALIAS...]`; a file that is not there has none.
  private static func read(_ path: String) -> [(String, UInt128)] {
    guard let data = FileManager.default.contents(atPath: path), data.count < 4 << 20 else { return [] }
    return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).flatMap { line in
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard words.count >= 2, let number = words[1].split(separator: "/").first.flatMap({ UInt16($0) }) else {
        return [(String, UInt128)]()
      }
      return ([words[0]] + words.dropFirst(2)).map { (String($0), UInt128(number)) }
    }
  }

  /// IANA's registry of protocol numbers.
  private static let numbers: [(String, UInt8)] = [
    ("ip", 0), ("hopopt", 0), ("icmp", 1), ("igmp", 2), ("ggp", 3), ("ipencap", 4), ("st", 5), ("tcp", 6), ("egp", 8),
    ("igp", 9), ("pup", 12), ("udp", 17), ("hmp", 20), ("xns-idp", 22), ("rdp", 27), ("iso-tp4", 29), ("dccp", 33),
    ("xtp", 36), ("ddp", 37), ("idpr-cmtp", 38), ("ipv6", 41), ("ipv6-route", 43), ("ipv6-frag", 44), ("idrp", 45),
    ("rsvp", 46), ("gre", 47), ("esp", 50), ("ah", 51), ("skip", 57), ("ipv6-icmp", 58), ("ipv6-nonxt", 59),
    ("ipv6-opts", 60), ("rspf", 73), ("vmtp", 81), ("eigrp", 88), ("ospf", 89), ("ax.25", 93), ("ipip", 94),
    ("etherip", 97), ("encap", 98), ("pim", 103), ("ipcomp", 108), ("vrrp", 112), ("l2tp", 115), ("isis", 124),
    ("sctp", 132), ("fc", 133), ("mobility-header", 135), ("udplite", 136), ("mpls-in-ip", 137), ("manet", 138),
    ("hip", 139), ("shim6", 140), ("wesp", 141), ("rohc", 142), ("ethernet", 143),
  ]

  /// Other names of some.
  private static let others: [(String, UInt8)] = [
    ("ip-encap", 4), ("ipsec-esp", 50), ("ipsec-ah", 51), ("cphb", 73), ("ospfigp", 89), ("icmpv6", 58), ("comp", 108),
  ]

  /// IANA's registry of service names; what the data centre and the internet use.
  private static let usual: [(String, UInt16)] = [
    ("tcpmux", 1), ("echo", 7), ("discard", 9), ("systat", 11), ("daytime", 13), ("netstat", 15), ("qotd", 17),
    ("chargen", 19), ("ftp-data", 20), ("ftp", 21), ("ssh", 22), ("telnet", 23), ("smtp", 25), ("time", 37),
    ("whois", 43), ("tacacs", 49), ("domain", 53), ("bootps", 67), ("bootpc", 68), ("tftp", 69), ("gopher", 70),
    ("finger", 79), ("http", 80), ("www", 80), ("kerberos", 88), ("iso-tsap", 102), ("acr-nema", 104), ("dicom", 104),
    ("pop2", 109), ("pop3", 110), ("sunrpc", 111), ("auth", 113), ("nntp", 119), ("ntp", 123), ("epmap", 135),
    ("netbios-ns", 137), ("netbios-dgm", 138), ("netbios-ssn", 139), ("imap", 143), ("imap2", 143), ("imap4", 143),
    ("snmp", 161), ("snmp-trap", 162), ("snmptrap", 162), ("cmip-man", 163), ("cmip-agent", 164), ("mailq", 174),
    ("xdmcp", 177), ("bgp", 179), ("smux", 199), ("qmtp", 209), ("z3950", 210), ("ipx", 213), ("ptp-event", 319),
    ("ptp-general", 320), ("pawserv", 345), ("zserv", 346), ("rpc2portmap", 369), ("codaauth2", 370),
    ("clearcase", 371), ("ldap", 389), ("svrloc", 427), ("https", 443), ("snpp", 444), ("microsoft-ds", 445),
    ("kpasswd", 464), ("submissions", 465), ("saft", 487), ("isakmp", 500), ("syslog", 514), ("dhcpv6-client", 546),
    ("dhcpv6-server", 547), ("afpovertcp", 548), ("rtsp", 554), ("nntps", 563), ("submission", 587), ("nqs", 607),
    ("asf-rmcp", 623), ("ipp", 631), ("ldaps", 636), ("tinc", 655), ("silc", 706), ("kerberos-adm", 749),
    ("domain-s", 853), ("rsync", 873), ("ftps-data", 989), ("ftps", 990), ("telnets", 992), ("imaps", 993),
    ("pop3s", 995), ("socks", 1080), ("proofd", 1093), ("rootd", 1094), ("rmiregistry", 1099), ("openvpn", 1194),
    ("lotusnote", 1352), ("ms-sql-s", 1433), ("ms-sql-m", 1434), ("ingreslock", 1524), ("datametrics", 1645),
    ("sa-msg-port", 1646), ("kermit", 1649), ("groupwise", 1677), ("l2f", 1701), ("radius", 1812),
    ("radius-acct", 1813), ("cisco-sccp", 2000), ("nfs", 2049), ("gnunet", 2086), ("rtcm-sc104", 2101),
    ("gsigatekeeper", 2119), ("gtp-control", 2123), ("gris", 2135), ("gtp-user", 2152), ("cvspserver", 2401),
    ("venus", 2430), ("venus-se", 2431), ("codasrv", 2432), ("codasrv-se", 2433), ("mon", 2583), ("dict", 2628),
    ("f5-globalsite", 2792), ("gsiftp", 2811), ("m2ua", 2904), ("gpsd", 2947), ("gds-db", 3050), ("icpv2", 3130),
    ("isns", 3205), ("iscsi-target", 3260), ("mysql", 3306), ("ms-wbt-server", 3389), ("nut", 3493), ("distcc", 3632),
    ("daap", 3689), ("svn", 3690), ("diameter", 3868), ("suucp", 4031), ("sysrqd", 4094), ("sieve", 4190),
    ("f5-iquery", 4353), ("epmd", 4369), ("remctl", 4373), ("ntske", 4460), ("iax", 4569), ("mtn", 4691),
    ("gre-in-udp", 4754), ("vxlan", 4789), ("radmin-port", 4899), ("sip", 5060), ("sip-tls", 5061),
    ("xmpp-client", 5222), ("xmpp-server", 5269), ("cfengine", 5308), ("mdns", 5353), ("postgresql", 5432),
    ("freeciv", 5556), ("amqps", 5671), ("amqp", 5672), ("x11", 6000), ("geneve", 6081), ("gnutella-svc", 6346),
    ("gnutella-rtr", 6347), ("redis", 6379), ("sge-qmaster", 6444), ("sge-execd", 6445), ("mysql-proxy", 6446),
    ("babel", 6696), ("ircs-u", 6697), ("bbs", 7000), ("font-service", 7100), ("http-alt", 8080), ("webcache", 8080),
    ("puppet", 8140), ("bacula-dir", 9101), ("bacula-fd", 9102), ("bacula-sd", 9103), ("xmms2", 9667),
    ("zabbix-agent", 10050), ("zabbix-trapper", 10051), ("amanda", 10080), ("nbd", 10809), ("hkp", 11371),
    ("db-lsp", 17500), ("dcap", 22125), ("gsidcap", 22128), ("wnn6", 22273),
  ]
}
