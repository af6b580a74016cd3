// dpdkfwd-ctl: asks a running forwarder for changes, and shows what it tracks. It speaks the command lines of the tools
// that people know: conntrack(8) behind the word `conntrack`, whose words are its own from there on, Open vSwitch's dpctl
// behind `dpctl`, and nft behind `ruleset`. It links no DPDK.
internal import ArgumentParser
internal import ControlProtocol
internal import Segment

@main
struct DpdkfwdCtl: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpdkfwd-ctl",
    abstract: "Control a running forwarder, by the command lines of tools that people know.",
    discussion: """
      Shows and changes what the dpdkfwd that was started with the same --file-prefix tracks. Options go before the \
      subcommand; what follows `conntrack` is read as conntrack(8) of conntrack-tools reads it, what follows `dpctl` as \
      `ovs-appctl dpctl/...` of Open vSwitch, and what follows `ruleset` as nft(8).

      Exit status: that of the tool that is spoken; 64 usage of dpdkfwd-ctl itself.
      """,
    version: Program.version,
    subcommands: [
      ConntrackSubcommand.self, DpctlSubcommand.self, RulesetSubcommand.self, ContextSubcommand.self,
      SyncSubcommand.self,
    ])

  /// Those whose words are the language of another tool, in which an option of ours would mean something else.
  private static let foreign: [any ParsableCommand.Type] = [
    ConntrackSubcommand.self, DpctlSubcommand.self, RulesetSubcommand.self,
  ]

  @OptionGroup var options: Options

  static func main() async {
    let words = Array(CommandLine.arguments.dropFirst())
    await main(fenced(words))
  }

  /// The words with a fence behind the name of a foreign subcommand: what follows is none of ours.
  static func fenced(_ words: [String]) -> [String] {
    var place = 0
    while place < words.count, words[place].hasPrefix("-") {
      place += Options.takesNextWord.contains(words[place]) ? 2 : 1
    }
    guard place < words.count, foreign.contains(where: { $0._commandName == words[place] }) else { return words }
    return words[...place] + ["--"] + words[(place + 1)...]
  }
}

/// What every subcommand takes.
struct Options: ParsableArguments {
  @Option(name: [.customShort("f"), .long], help: ArgumentHelp("The forwarder's --file-prefix.", valueName: "prefix"))
  var filePrefix = "rte"

  @Option(help: ArgumentHelp("The folder of all segments.", valueName: "folder"))
  var root = SegmentPaths.defaultRoot

  @Option(help: ArgumentHelp("The folder of all control sockets.", valueName: "folder"))
  var controlFolder = ControlPaths.defaultRoot

  static let takesNextWord: Set<String> = ["-f", "--file-prefix", "--root", "--control-folder"]

  var forwarder: any Forwarder { localForwarder }
  var localForwarder: LocalForwarder { LocalForwarder(prefix: filePrefix, segments: root, sockets: controlFolder) }
}

struct ConntrackSubcommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conntrack", abstract: "List, create, change, delete and watch connections, as conntrack(8) does.",
    discussion: "`dpdkfwd-ctl conntrack -h` shows its own options.")

  @OptionGroup var options: Options

  @Argument(parsing: .postTerminator, help: ArgumentHelp("As conntrack(8) has them.", valueName: "words"))
  var words: [String] = []

  func run() async throws {
    let protocols = ProtocolNames(text(ofFile: ProtocolNames.usualPath) ?? "")
    let conntrack = Conntrack(forwarder: options.forwarder, console: .standard, protocols: protocols)
    let status = await conntrack.run(words)
    if status != 0 { throw ExitCode(status) }
  }
}
