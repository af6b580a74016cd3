import ArgumentParser
import Settings

struct RuleOptions: ParsableArguments {
  @Option(help: ArgumentHelp("File of rules in nft's language. (default: no rules)", valueName: "file"))
  var rules: String?

  @Option(
    help: ArgumentHelp(
      "What becomes of packets without rules: pass, or drop. (default: open)", valueName: "open|closed"))
  var rulesFail: String?

  @Flag(help: "Without rules offload established flows.")
  var autoFlowtable = false

  @Option(
    help: ArgumentHelp(
      "Seconds without packets after which TCP leaves a flow table. (default: \(defaults.rules.tcpTimeout))",
      valueName: "seconds"))
  var flowtableTcpTimeout: String?

  @Option(
    help: ArgumentHelp("The same for UDP. (default: \(defaults.rules.udpTimeout))", valueName: "seconds"))
  var flowtableUdpTimeout: String?

  var words: [(String, String?)] {
    [
      ("rules", rules), ("rules-fail", rulesFail), ("auto-flowtable", autoFlowtable ? "on" : nil),
      ("flowtable-tcp-timeout", flowtableTcpTimeout), ("flowtable-udp-timeout", flowtableUdpTimeout),
    ]
  }
}
