import ControlProtocol
import Foundation
import Logging
import Testing

@testable import ControlServer

/// F5: those who change things are root and the forwarder's user; others may look, if the socket's mode lets them.
struct CredentialTests {
  @Test(
    arguments: [
      (0, 0, true), (0, 1000, true), (1000, 1000, true), (1000, 0, false), (1001, 1000, false), (65534, 1000, false),
      (UInt32.max, 1000, false),
    ] as [(UInt32, UInt32, Bool)])
  func `the read-write socket serves root and the forwarder's user`(peer: UInt32, own: UInt32, isServed: Bool) {
    let credentials = Credentials(pid: 1, uid: peer, gid: own)
    #expect(credentials.areServed(isReadOnly: false, self: own) == isServed)
    #expect(credentials.areServed(isReadOnly: true, self: own))
  }

  /// Runs a client as another user; `nil`, with a word about it, where that cannot be done.
  private func asNobody(_ path: String, group: String = "65534", _ line: String) throws -> String? {
    let needs = ["/usr/bin/setpriv", "/usr/bin/python3"]
    guard geteuid() == 0, needs.allSatisfy({ FileManager.default.isExecutableFile(atPath: $0) }) else {
      print("Skipped: needs root, \(needs.joined(separator: ", "))")
      return nil
    }
    let client = Process()
    client.executableURL = URL(filePath: needs[0])
    client.arguments = [
      "--reuid=65534", "--regid=\(group)", "--clear-groups", needs[1], "-I", "-c",
      """
      import socket, sys
      s = socket.socket(socket.AF_UNIX)
      try:
          s.connect(sys.argv[1])
          s.sendall(sys.argv[2].encode() + b"\\n")
          print(s.makefile().readline(), end="")
      except OSError as e:
          print(e.strerror)
      """, path, line,
    ]
    let output = Pipe()
    client.standardOutput = output
    try client.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    client.waitUntilExit()
    return text.split(separator: "\n").first.map(String.init) ?? ""
  }

  @Test func `another user is refused whatever the mode of the read-write socket`() async throws {
    let scratch = try Scratch()
    try await scratch.serving({ $0.readWriteMode = 0o666 }) { server in
      guard let answer = try asNobody(scratch.paths.readWrite, request("echo")) else { return }
      #expect(["-32000 null", nil].contains(failure(answer)))
      try await Scratch.until { server.counts.strangers == 1 }
      #expect(server.counts.strangers == 1)
      #expect(server.counts.requests == 0)
      let said = scratch.log.lines(.notice)
      #expect(said.count == 1)
      #expect(said.first?.contains("uid 65534, gid 65534") == true)
      #expect(said.first?.contains("pid ") == true)
    }
  }

  @Test func `another user cannot even connect to the sockets as they are made`() async throws {
    let scratch = try Scratch()
    try await scratch.serving { server in
      for path in [scratch.paths.readWrite, scratch.paths.readOnly] {
        guard let answer = try asNobody(path, request("echo")) else { return }
        #expect(answer == "Permission denied")
      }
      #expect(server.counts == ControlCounts())
    }
  }

  @Test func `a member of the group may look and not touch`() async throws {
    let scratch = try Scratch()
    guard geteuid() == 0 else { return print("Skipped: needs root") }
    try await scratch.serving({ $0.group = "54321" }) { server in
      guard let answer = try asNobody(scratch.paths.readOnly, group: "54321", request("echo")) else { return }
      #expect(answer == result("{}"))
      #expect(failure(try asNobody(scratch.paths.readOnly, group: "54321", request("set"))) == "-32000 1")
      #expect(try asNobody(scratch.paths.readWrite, group: "54321", request("echo")) == "Permission denied")
      #expect(scratch.service.calls == ["echo {}"])
    }
  }

  /// So that it can remove them when it is no longer root.
  @Test func `folder and sockets are given to the user whom the forwarder becomes`() async throws {
    guard geteuid() == 0 else { return print("Skipped: needs root") }
    let scratch = try Scratch()
    for isThere in [false, true] {
      if isThere {
        // As after a crash: it is that user's already.
        try FileManager.default.createDirectory(
          atPath: scratch.paths.folder, withIntermediateDirectories: true, attributes: [.ownerAccountID: 65534])
      }
      try await scratch.serving({ $0.owner = 65534 }) { _ in
        for path in [scratch.paths.folder, scratch.paths.readWrite, scratch.paths.readOnly] {
          let owner = try FileManager.default.attributesOfItem(atPath: path)[.ownerAccountID] as? Int
          #expect(owner == 65534)
        }
      }
    }
  }
}
