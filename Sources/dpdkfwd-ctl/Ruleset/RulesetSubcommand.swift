internal import ArgumentParser

struct RulesetSubcommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ruleset",
    abstract: "Show and change rules and flow tables by the commands of nft; load, confirm and explain them.",
    discussion: "`dpdkfwd-ctl ruleset -h` shows its own options.")

  @OptionGroup var options: Options

  @Argument(parsing: .postTerminator, help: ArgumentHelp("As nft(8) has them.", valueName: "words"))
  var words: [String] = []

  func run() async throws {
    let status = await RulesetTool(forwarder: options.forwarder, console: .standard).run(words)
    if status != 0 { throw ExitCode(status) }
  }
}
