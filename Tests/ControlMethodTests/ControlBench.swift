import ControlProtocol
import ControlServer
import Foundation
import JSONText
import Logging
import Pipeline
import Primitives
import Reassembly
import Segment
import Synchronization
import TestSupport
import Testing

@testable import Control

/// Methods on top of a crew: each rest of theirs lets every worker breathe once.
final class ControlBench: Sendable {
  let crew: Crew
  let methods: Methods
  let thread: OneThread
  let reader: SegmentReader
  private let spawned = Spawned()

  private final class Spawned: Sendable {
    let tasks = Mutex<[Task<Void, Never>]>([])
  }

  init(_ thread: OneThread, _ change: (inout Crew.Setup) -> Void = { _ in }) throws {
    var setup = Crew.Setup()
    change(&setup)
    let crew = try Crew(setup)
    (self.thread, self.crew) = (thread, crew)
    reader = try SegmentReader(crew.segment.paths)
    let spawned = spawned
    methods = try Methods(
      Self.site(crew),
      Pacing(
        rest: { _ in
          // What others ask meets the workers in the same breath.
          await thread.letOthersRun()
          crew.breathe()
        },
        spawn: { work in spawned.tasks.withLock { $0.append(thread.start(work)) } }))
  }

  private static func site(_ crew: Crew) -> Site {
    let setup = crew.setup
    let ports = (0..<2 * setup.pairs).map { number in
      Placement.Port(
        number: number, name: "p\(number)", group: crew.ownership == nil ? -1 : number / 2,
        receivers: Array(0..<setup.workers))
    }
    return Site(
      prefix: "t", version: "0.4-test", mailboxes: crew.mailboxes,
      placement: Placement(crew.ownership, ports: ports, workers: setup.workers), segment: crew.segment,
      tracking: setup.tracks
        ? Site.Tracking(limits: crew.limits, capacity: setup.connections, sweepInterval: 5000, checksSequences: true)
        : nil, fragments: setup.fragments.map { FragmentSettings(fragments: $0) }, tellsEvents: setup.events != nil,
      always: setup.mode,
      rules: Site.Rules(crew.keeper, now: { crew.cables.now }, log: Logger(label: "test")))
  }

  // MARK: Clients

  static func client(_ number: UInt64, isReadOnly: Bool = false) -> Client {
    Client(number: number, pid: Int32(1000 + number), uid: 0, gid: 0, isReadOnly: isReadOnly)
  }

  /// Asks, with parameters as they are written.
  func ask(_ method: String, _ parameters: String = "null", as client: UInt64 = 1) async throws -> JSON {
    try await methods.answer(method, try JSON(parsing: parameters), Self.client(client))
  }

  /// Asks what is refused.
  func refusal(_ method: String, _ parameters: String = "null", as client: UInt64 = 1) async throws -> ControlError {
    do {
      let answer = try await methods.answer(method, try JSON(parsing: parameters), Self.client(client))
      Issue.record("\(method) \(parameters) is answered with \(answer.line.prefix(300))")
      return ControlError(.internalError, "")
    } catch let error as ControlError {
      return error
    }
  }

  /// The client goes.
  func leave(_ client: UInt64) async {
    methods.ended(Self.client(client))
    for task in spawned.tasks.withLock({ $0 }) { await task.value }
  }

  /// All entries, page by page; `between` is called after each.
  func pages(
    _ method: String, _ parameters: String, as client: UInt64 = 1, between: () -> Void = {}
  ) async throws -> [[JSON]] {
    var pages: [[JSON]] = []
    var cursor = JSON.null
    repeat {
      guard case .object(let members) = try JSON(parsing: parameters) else { return [] }
      let answer = try await methods.answer(
        method, .object(members + [("cursor", cursor)]), Self.client(client))
      pages.append(answer["entries"]?.asArray ?? [])
      cursor = answer["cursor"] ?? .null
      between()
    } while !cursor.isNull
    return pages
  }

  func list(_ parameters: String = "{}") async throws -> [JSON] {
    try await pages("conntrack.list", parameters).flatMap { $0 }
  }
}

extension [JSON] {
  var ids: [UInt64] { compactMap { $0["id"]?.asUInt64 } }
}

/// A flow of its own for each number.
struct Flow: Hashable, Sendable {
  var number: Int

  var source: String { "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)" }
  var port: Int { 1024 + number % 60_000 }
  var datagram: Datagram {
    Datagram.ipv4(from: "\(source)", to: "192.0.2.1").udp(from: UInt16(port), to: 53, payload: [1])
  }
  var frame: Frame { datagram.frame() }
  var answer: Frame { datagram.reversed.frame() }

  /// As a request names it.
  var tuple: String { #""src": "\#(source)", "dst": "192.0.2.1", "sport": \#(port), "dport": 53"# }
  var key: String { #"{"l4": "udp", "orig": {\#(tuple)}}"# }
  func entry(_ more: String = "") -> String {
    #"{"l4": "udp", "orig": {\#(tuple)}, "timeout": 100\#(more.isEmpty ? "" : ", ")\#(more)}"#
  }

  static func frames(_ numbers: Range<Int>) -> [Frame] { numbers.map { Flow(number: $0).frame } }
}
