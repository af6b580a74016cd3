import ControlClient
import ControlProtocol
import Foundation
import JSONText
import Testing

@testable import dpdkfwd_ctl

@Suite struct `The command line of nft` {
  private static let size = JSON.object([
    ("tables", .unsigned(1)), ("chains", .unsigned(2)), ("rules", .unsigned(3)), ("flowtables", .unsigned(1)),
  ])

  private func page(_ text: String, _ next: UInt64? = nil) -> Result<JSON, ControlClientError> {
    .success(.object([("text", .text(text)), ("next", next.map { .unsigned($0) } ?? .null)]))
  }

  /// A folder that is gone with the test.
  private func file(_ text: String, _ name: String = "rules.nft", in folder: URL) throws -> String {
    let path = folder.appendingPathComponent(name)
    try Data(text.utf8).write(to: path)
    return path.path
  }

  private func inFolder(_ body: (URL) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ctl-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder)
  }

  @Test func `lists are asked for on the read-only socket, and come in parts`() async {
    let fake = RulesetFake(page("table ip x {\n", 13), page("}\n"))
    let told = await fake.run("-a -s list ruleset")
    #expect(told == Told(status: 0, out: "table ip x {\n}\n", error: ""))
    #expect(fake.methods == ["ruleset.list", "ruleset.list"])
    #expect(fake.calls[0].parameters["command"] == .text("list ruleset"))
    #expect(fake.calls[0].parameters["options"]?.line == #"{"handles": true, "stateless": true}"#)
    #expect(fake.calls[1].parameters.line == #"{"from": 13}"#)
    #expect(fake.isReadOnly == [true])
  }

  @Test(arguments: [
    ("-ast", ["handles", "stateless", "terse"]), ("-j", ["json"]), ("--handle --json", ["handles", "json"]),
    ("-n", ["numeric", "numeric_priority", "numeric_protocol"]), ("-y -p", ["numeric_priority", "numeric_protocol"]),
    ("-S", ["services"]), ("-NT", []),
  ]) func `options are nft's, and may stand together`(words: String, names: [String]) async {
    let fake = RulesetFake()
    #expect(await fake.run("\(words) list table ip x").status == 0)
    #expect(fake.calls[0].parameters["options"]?.asObject?.map(\.0) == names)
  }

  @Test func `other commands go to the other socket, as one text`() async {
    let fake = RulesetFake()
    let words = ["-e", "add", "rule", "ip", "x", "y", "tcp", "dport", "{", "22,", "80", "}", "accept"]
    #expect(await fake.run(words).status == 0)
    #expect(fake.methods == ["ruleset.run"])
    #expect(fake.isReadOnly == [false])
    let source = fake.calls[0].parameters["sources"]?.asArray?.first
    #expect(source?["text"] == .text("add rule ip x y tcp dport { 22, 80 } accept"))
    #expect(fake.calls[0].parameters["echo"] == .truth(true))
    // A change behind a list is a change.
    let both = RulesetFake()
    _ = await both.run("list ruleset; flush ruleset")
    #expect(both.methods == ["ruleset.run"])
  }

  /// As nft prints them: with the file's name, or none for a command line.
  @Test func `faults are printed with line and carets, and the status is 1`() async throws {
    func fault(_ file: String) -> JSON {
      .object([
        ("file", .text(file)), ("line", .unsigned(1)), ("first", .unsigned(5)), ("last", .unsigned(8)),
        ("message", .text("No such file or directory")), ("text", .text("add rule ip x y accept")),
      ])
    }
    func refusal(_ faults: [JSON]) -> Result<JSON, ControlClientError> {
      .failure(
        .answered(
          code: ControlCode.invalidParameters.rawValue, message: "m", data: .object([("faults", .array(faults))])))
    }
    let words = await RulesetFake(refusal([fault("<cmdline>")])).run("add rule ip x y accept")
    #expect(words.status == 1)
    #expect(words.error == "Error: No such file or directory\nadd rule ip x y accept\n    ^^^^\n")
    let two = await RulesetFake(refusal([fault("f"), fault("g")])).run("add rule ip x y accept")
    #expect(two.error.contains("f:1:5-8: Error: No such file or directory\n"))
    #expect(two.error.contains("g:1:5-8: Error: "))
  }

  @Test func `what the forwarder refuses otherwise is an error, and none there is status 3`() async {
    let busy = RulesetFake(.failure(.answered(code: -32001, message: "rules wait to be confirmed", data: nil)))
    #expect(await busy.run("flush ruleset") == Told(status: 1, out: "", error: "Error: rules wait to be confirmed\n"))
    let full = RulesetFake(.failure(.answered(code: -32004, message: "no room", data: nil)))
    #expect(await full.run("flush ruleset").status == 2)
    let none = RulesetFake(isThere: false)
    let told = await none.run("list ruleset")
    #expect(told.status == 3)
    #expect(told.error.hasPrefix("dpdkfwd-ctl: no forwarder answers"))
  }

  @Test(arguments: [
    "", "-x list ruleset", "--frob", "-f", "-f rules list ruleset", "load", "load a b", "load a --confirm",
    "load a --confirm 0", "load a --frob", "run", "run a b", "explain --packet 0", "explain --pcap",
  ]) func `slips are status 1 and say where help is`(line: String) async {
    let fake = RulesetFake()
    let told = await fake.run(line)
    #expect(told.status == 1)
    #expect(told.error.contains("Error: ") && told.error.hasSuffix("see dpdkfwd-ctl ruleset -h\n"))
    #expect(fake.calls.isEmpty)
  }

  @Test func `help and version ask nobody`() async {
    let fake = RulesetFake(isThere: false)
    for words in ["-h", "--help"] { #expect(await fake.run(words).out.hasPrefix("Usage: dpdkfwd-ctl ruleset")) }
    for words in ["-v", "-V", "--version"] { #expect(await fake.run(words).out.hasPrefix("nftables (dpdkfwd-ctl ")) }
  }

  @Test func `files are read here, with what they include`() async throws {
    try await inFolder { folder in
      let inner = try file("define web = 80\n", "inner.nft", in: folder)
      let path = try file("include \"\(inner)\"\nadd table ip x\n", in: folder)
      for words in [["-f", path], ["run", path], ["-c", "--file=\(path)"]] {
        let fake = RulesetFake()
        #expect(await fake.run(words).status == 0)
        #expect(fake.methods == ["ruleset.run"])
        let parameters = fake.calls[0].parameters
        #expect(parameters["sources"]?.asArray?.first?["name"] == .text(path))
        #expect(parameters["includes"]?[inner]?.asArray?.first?["text"] == .text("define web = 80\n"))
        #expect(parameters["dry_run"] == (words[0] == "-c" ? .truth(true) : nil))
      }
      let fake = RulesetFake()
      let told = await fake.run(["-f", "\(folder.path)/none.nft"])
      #expect(told.status == 1)
      #expect(
        told.error == "Error: Could not open file \"\(folder.path)/none.nft\": No such file or directory\n")
      #expect(fake.calls.isEmpty)
    }
  }

  @Test func `a file is loaded, for good or until a way back`() async throws {
    try await inFolder { folder in
      let path = try file("table ip x { }\n", in: folder)
      let plain = RulesetFake(.success(Self.size))
      #expect(
        await plain.run(["load", path])
          == Told(status: 0, out: "loaded 3 rules in 2 chains of 1 table, 1 flow table\n", error: ""))
      #expect(plain.calls[0].parameters["confirm"] == nil)
      let back = RulesetFake(.success(Self.size))
      #expect(await back.run(["load", path, "--confirm", "30"]).out.contains("confirmed within 30 s"))
      #expect(back.calls[0].parameters["confirm"] == .unsigned(30))
      let dry = RulesetFake(.success(Self.size))
      #expect(await dry.run(["load", "--dry-run", path]).out.hasSuffix("nothing was changed\n"))
      #expect(dry.calls[0].parameters["dry_run"] == .truth(true))
      let confirming = RulesetFake()
      _ = await confirming.run("confirm")
      _ = await confirming.run("rollback")
      #expect(confirming.methods == ["ruleset.confirm", "ruleset.rollback"])
      #expect(confirming.isReadOnly == [false, false])
    }
  }

  /// A request is a line of 1 MiB at most.
  @Test func `a long file goes in parts, between characters`() async throws {
    try await inFolder { folder in
      let text = (0..<30_000).map { "# \($0) äöü€ \"quoted\"\n" }.joined()
      let path = try file(text, in: folder)
      let fake = RulesetFake()
      _ = await fake.run(["-f", path])
      #expect(fake.methods.dropLast().allSatisfy { $0 == "ruleset.stage" })
      #expect(fake.methods.count > 2)
      let parts = fake.calls.dropLast().map { $0.parameters["text"]?.asText ?? "" }
      #expect(parts.allSatisfy { $0.utf8.count <= 256 << 10 })
      let whole = try JSON(parsing: parts.joined())
      #expect(whole["sources"]?.asArray?.first?["text"] == .text(text))
      #expect(fake.calls.last?.method == "ruleset.run")
      #expect(fake.calls.last?.parameters["staged"] == .truth(true))
    }
  }

  @Test func `a packet is explained from words, or out of a capture`() async throws {
    try await inFolder { folder in
      let answer = Result<JSON, ControlClientError>.success(.object([("text", .text("drop\n"))]))
      let words = RulesetFake(answer)
      #expect(await words.run("explain iif eth0 tcp dport 80").out == "drop\n")
      #expect(words.calls[0].parameters["words"] == .text("iif eth0 tcp dport 80"))
      #expect(words.isReadOnly == [true])
      for isLittle in [true, false] {
        let path = folder.appendingPathComponent("c.pcap")
        try Data(Self.capture([[1, 2, 3], [0xAB, 0x0C]], isLittle: isLittle)).write(to: path)
        let fake = RulesetFake(answer)
        #expect(await fake.run(["explain", "--pcap", path.path, "--packet", "2", "--iif", "eth0"]).status == 0)
        #expect(fake.calls[0].parameters["frame"] == .text("ab0c"))
        #expect(fake.calls[0].parameters["words"] == .text("iif eth0"))
        let none = RulesetFake()
        let told = await none.run(["explain", "--pcap", path.path, "--packet", "3"])
        #expect(told.error == "Error: \(path.path): there is no packet 3, but 2 in all\n")
        #expect(none.calls.isEmpty)
      }
    }
  }

  private static func capture(_ frames: [[UInt8]], isLittle: Bool) -> [UInt8] {
    func word(_ value: UInt32) -> [UInt8] {
      let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) }
      return isLittle ? bytes.reversed() : bytes
    }
    let header: [UInt32] = [0xA1B2_C3D4, 0x0002_0004, 0, 0, 65535, 1]
    var bytes = header.flatMap { word($0) }
    for frame in frames {
      let length = UInt32(frame.count)
      for number in [0, 0, length, length] { bytes += word(number) }
      bytes += frame
    }
    return bytes
  }

  /// Whatever is cut off, nothing traps.
  @Test func `a capture that is cut off is read as far as it goes`() throws {
    let whole = Self.capture([[1, 2, 3], [4]], isLittle: true)
    for count in 0..<whole.count {
      #expect(throws: CaptureError.self) { try CaptureFile.frame(2, of: Array(whole.prefix(count))) }
    }
    #expect(try CaptureFile.frame(2, of: whole) == [4])
  }
}
