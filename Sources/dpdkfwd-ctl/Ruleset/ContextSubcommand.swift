internal import ArgumentParser
internal import ControlClient
internal import Foundation
internal import JSONText
internal import Ruleset

struct ContextSubcommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "context",
    abstract: "The rules as programs on hooks: a program is a base chain with what it needs, or an eBPF object.",
    discussion: """
      HOOK is ingress, prerouting, forward or postrouting, and may name one of its programs behind a colon: by a port \
      on ingress (ingress:eth0), by its chain elsewhere (forward:inet/filter/input).
      """,
    subcommands: [ContextDump.self, ContextGet.self, ContextSet.self, ContextUpdate.self, ContextRemove.self])
}

/// `HOOK[:OPTION]` as parameters of a request.
private func hook(_ word: String) -> [(String, JSON)] {
  let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
  return [("hook", .text(parts.first ?? ""))] + (parts.count == 2 ? [("option", .text(parts[1]))] : [])
}

struct ContextDump: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump", abstract: "Show hooks, their programs, the rules of these and their counters, as a tree.")

  @OptionGroup var options: Options
  @Option(help: ArgumentHelp("What every line begins with.", valueName: "text")) var prefix = ""

  func run() async throws {
    try await ContextTool(forwarder: options.forwarder, console: .standard)
      .show("context.dump", [("prefix", .text(prefix))], more: "context.dump")
  }
}

struct ContextGet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "get", abstract: "Print a program.")

  @OptionGroup var options: Options
  @Argument(help: ArgumentHelp("The hook, and which of its programs.", valueName: "hook[:option]")) var hook: String

  func run() async throws {
    try await ContextTool(forwarder: options.forwarder, console: .standard)
      .show("context.get", dpdkfwd_ctl.hook(hook), more: "ruleset.list")
  }
}

/// A program, and where it is to be put.
struct ProgramArguments: ParsableArguments {
  @Argument(help: ArgumentHelp("The hook.", valueName: "hook[:option]")) var hook: String
  @Argument(
    help: ArgumentHelp("Text of one base chain, or an eBPF object; - for the standard input.", valueName: "file"))
  var file: String
  @Option(help: ArgumentHelp("Of an eBPF object: where the program is, if it has several.", valueName: "name"))
  var section: String?

  func put(_ method: String, to forwarder: any Forwarder) async throws {
    try await ContextTool(forwarder: forwarder, console: .standard)
      .put(method, dpdkfwd_ctl.hook(hook), file, section)
  }
}

struct ContextSet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Add a program; refused when the hook has a similar one.")

  @OptionGroup var options: Options
  @OptionGroup var program: ProgramArguments

  func run() async throws {
    try await program.put("context.set", to: options.forwarder)
  }
}

struct ContextUpdate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update",
    abstract: "Put a program in the place of the similar one; rules that are the same keep their counters.")

  @OptionGroup var options: Options
  @OptionGroup var program: ProgramArguments

  func run() async throws {
    try await program.put("context.update", to: options.forwarder)
  }
}

struct ContextRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Take a program of an eBPF object off its hook. (Chains go by `ruleset delete chain`.)")

  @OptionGroup var options: Options
  @Argument(help: ArgumentHelp("The hook, and the program's port or name.", valueName: "hook[:option]")) var hook:
    String

  func run() async throws {
    try await ContextTool(forwarder: options.forwarder, console: .standard)
      .remove(dpdkfwd_ctl.hook(hook))
  }
}

/// The requests of the context's commands; their exit status is 1 when they fail.
struct ContextTool {
  let forwarder: any Forwarder
  let console: Console

  /// A text that comes in parts.
  ///
  /// - Parameter more: asks for the rest.
  func show(_ method: String, _ parameters: [(String, JSON)], more: String) async throws {
    try await talk(readOnly: true) { caller throws(ControlClientError) in
      var answer = try await caller.call(method, .object(parameters))
      while true {
        console.out(answer["text"]?.asText ?? "")
        guard let next = answer["next"], next.asUInt64 != nil else { return }
        answer = try await caller.call(more, .object([("from", next)]))
      }
    }
  }

  /// - Parameter section: of an eBPF object.
  func put(_ method: String, _ parameters: [(String, JSON)], _ path: String, _ section: String? = nil) async throws {
    if let object = Self.object(path) { return try await put(method, parameters, path, object, section) }
    let files = RulesetFiles()
    guard let source = try? files.load(path) else {
      console.error("Error: Could not open file \"\(path)\": \(systemCause(ofReading: path))\n")
      throw ExitCode(1)
    }
    _ = try? RulesetReader { files.resolve($0) }.run(source, on: Ruleset())
    let texts = RuleTexts(source: source, includes: files.included)
    try await talk(readOnly: false) { caller throws(ControlClientError) in
      _ = try await texts.send(method, parameters, to: caller)
    }
  }

  func remove(_ parameters: [(String, JSON)]) async throws {
    try await talk(readOnly: false) { caller throws(ControlClientError) in
      _ = try await caller.call("context.remove", .object(parameters))
    }
  }

  /// The bytes of a file that begins as ELF does; `nil`: it is another, or cannot be read.
  private static func object(_ path: String) -> [UInt8]? {
    guard path != "-", let data = FileManager.default.contents(atPath: path),
      data.starts(with: [0x7F, 0x45, 0x4C, 0x46])
    else { return nil }
    return Array(data)
  }

  private func put(
    _ method: String, _ parameters: [(String, JSON)], _ path: String, _ object: [UInt8], _ section: String?
  ) async throws {
    let name = path.split(separator: "/").last.map { String($0.prefix { $0 != "." }) } ?? "program"
    let members =
      parameters + [("object", JSON.text(RulesetTool.hexadecimal(object))), ("name", .text(name))]
      + (section.map { [("section", JSON.text($0))] } ?? [])
    try await talk(readOnly: false) { caller throws(ControlClientError) in
      _ = try await caller.call(method, .object(members))
    }
  }

  private func talk(
    readOnly: Bool, _ body: (any Caller) async throws(ControlClientError) -> Void
  ) async throws {
    do throws(ControlClientError) {
      let caller = try await forwarder.connect(readOnly: readOnly)
      do throws(ControlClientError) {
        try await body(caller)
        await caller.close()
      } catch {
        await caller.close()
        throw error
      }
    } catch {
      let failure = RulesetTool.Failure(error)
      console.error(failure.text)
      throw ExitCode(failure.status.rawValue)
    }
  }
}
