internal import Ruleset

extension RuleKeeper {
  /// What stands in for no rules: established flows take the short way.
  func autoFlowtable() throws(RuleFailure) -> Ruleset {
    let devices = options.ports.filter { !$0.isEmpty }.map { "\"\($0)\"" }.joined(separator: ", ")
    let text = """
      table inet dpdkfwd {
        flowtable auto {
          hook ingress priority filter
          devices = { \(devices) }
          counter
        }
        chain forward {
          type filter hook forward priority filter; policy accept;
          ct state established flow add @auto
        }
      }

      """
    return try read(RuleTexts(text, name: "auto-flowtable"), on: Ruleset()).ruleset
  }
}
