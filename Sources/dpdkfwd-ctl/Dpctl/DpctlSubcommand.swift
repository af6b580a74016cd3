internal import ArgumentParser

struct DpctlSubcommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpctl",
    abstract: "Show and change connections, limits and fragments by the verbs of Open vSwitch's dpctl.",
    discussion: "`dpdkfwd-ctl dpctl help` lists them.")

  @OptionGroup var options: Options

  @Argument(parsing: .postTerminator, help: ArgumentHelp("As `ovs-appctl dpctl/VERB` has them.", valueName: "words"))
  var words: [String] = []

  func run() async throws {
    let forwarder = LocalForwarder(
      prefix: options.filePrefix, segments: options.root, sockets: options.controlFolder)
    let dpctl = Dpctl(forwarder: forwarder, console: .standard, prefix: options.filePrefix)
    let status = await dpctl.run(words)
    if status != 0 { throw ExitCode(status) }
  }
}
