import ArgumentParser
import Settings

struct ControlArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Make the control sockets. (default: on)", valueName: "on|off"))
  var control: String?

  @Option(
    help: ArgumentHelp("Folder of the control sockets. (default: \(defaults.control.folder))", valueName: "folder"))
  var controlFolder: String?

  @Option(
    help: ArgumentHelp("Group that may use the read-only socket. (default: the process's)", valueName: "group"))
  var controlGroup: String?

  @Option(
    help: ArgumentHelp(
      "Write events while somebody wants them, always, or never. (default: auto)", valueName: "auto|on|off"))
  var events: String?

  @Option(help: ArgumentHelp("Events each worker keeps. (default: \(defaults.events.ring))", valueName: "n"))
  var eventsRing: String?

  @Option(
    help: ArgumentHelp(
      "Ends of connections each worker keeps for reliable readers. (default: \(defaults.events.dying))", valueName: "n")
  )
  var eventsDying: String?

  var words: [(String, String?)] {
    [
      ("control", control), ("control-folder", controlFolder), ("control-group", controlGroup), ("events", events),
      ("events-ring", eventsRing), ("events-dying", eventsDying),
    ]
  }
}
