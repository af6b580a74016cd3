public import Foundation
internal import TestSupport

/// A case of the oracle: frames, the kernel's switches that they were played with, and what the kernel made of them.
public struct OracleCase: Sendable, CustomStringConvertible {
  public let name: String
  public let title: String
  public let frames: [[UInt8]]
  /// Whether the client sent the frame, for each.
  public let isFromClient: [Bool]
  /// Kernel switches by their names below `net/`, slashes for dots.
  public let switches: [String: String]
  /// The MTU towards the server, when it is smaller than usual.
  public let egressMTU: Int?
  /// In nft's language; the ports are `tapc`, towards the client, and `taps`.
  public let rules: String?
  /// What was done between its frames.
  public let steps: [Step]
  /// Why it cannot be played; `nil`: it can.
  public let needs: String?
  public let golden: Golden

  /// Its rules ask by which port a packet came.
  public var readsPorts: Bool { rules?.contains("iifname") == true }

  public var description: String { name }

  /// - Parameter url: `.../cases/NAME.json`, beside which the capture lies, or `.../golden/kernel/NAME.json`.
  public init(contentsOf url: URL) throws(InputError) {
    let file = url.standardizedFileURL
    let name = file.lastPathComponent
    let folder = file.deletingLastPathComponent()
    let root: URL
    switch folder.lastPathComponent {
    case "cases": root = folder.deletingLastPathComponent()
    case "kernel" where folder.deletingLastPathComponent().lastPathComponent == "golden":
      root = folder.deletingLastPathComponent().deletingLastPathComponent()
    default: throw InputError(file, "lies neither in a folder `cases` nor in `golden/kernel`")
    }
    let cases = root.appending(path: "cases")
    let written: Written = try read(cases.appending(path: name))
    golden = try read(root.appending(path: "golden/kernel").appending(path: name))
    self.name = written.name
    title = written.title ?? ""
    switches = (written.sysctl ?? [:]).mapValues(\.text).reduce(into: [:]) { switches, one in
      switches[one.key.replacing(".", with: "/")] = one.value
    }
    egressMTU = written.mtu?["server"].flatMap { $0 < 1500 ? $0 : nil }
    steps = written.steps ?? []
    needs = written.needs
    rules = written.nft.flatMap { $0.isEmpty ? nil : $0 }
    let capture = cases.appending(path: written.pcap)
    do { frames = try Capture(contentsOf: capture).packets.map(\.bytes) } catch {
      throw InputError(capture, "does not read as a capture: \(error)")
    }
    guard frames.count == golden.packets.count else {
      throw InputError(
        capture, "holds \(frames.count) frames, but key packets of the golden result \(golden.packets.count)")
    }
    isFromClient = golden.packets.map { $0.in == "client" }
  }

  /// A case's file, as far as it matters here.
  private struct Written: Decodable {
    let name: String
    let title: String?
    let pcap: String
    let sysctl: [String: Value]?
    let nft: String?
    let steps: [OracleCase.Step]?
    let learn: [String: Int]?
    let mtu: [String: Int]?

    var needs: String? {
      if let nft, nft.contains(/type nat|helper|snat|dnat|masquerade|redirect/) { return "translation or helpers" }
      if let steps, !steps.isEmpty { return "steps between its frames" }
      if let learn, !learn.isEmpty { return "frames aimed at what came out" }
      return nil
    }
  }

  /// A number or a text.
  private struct Value: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let number = try? value.decode(Int.self) { text = "\(number)" } else { text = try value.decode(String.self) }
    }
  }
}

extension OracleCase {
  /// Something that was done between two frames.
  public struct Step: Sendable, Decodable {
    /// The frame that came after it, counted from 1.
    public let before: Int
    /// A command line; `nil`: something else, as rules that were loaded.
    public let command: String?

    private enum CodingKeys: String, CodingKey {
      case before
      case command = "cmd"
    }
  }
}

/// What the kernel did with a case.
public struct Golden: Sendable, Decodable {
  public let packets: [Packet]
  /// The connections at the end.
  public let finalTable: [Entry]

  public struct Packet: Sendable, Decodable {
    /// The side that it came from: `client` or `server`.
    public let `in`: String
    /// `ct state` and direction: `new_o`, `est_r`, `rel_r`, `inv`, `untracked`; `none` when it never got there.
    public let `class`: String
    /// `forward`, `drop`, `reply` (the router answered), `local` (it kept it) and their like.
    public let verdict: String
    /// Lines of the connections after it, sorted.
    public let table: [String]
    /// What the kernel told of, in order: `NEW`, `UPDATE` or `DESTROY`, and the connection.
    public let events: [String]

    public var isForwarded: Bool { verdict.split(separator: "+").contains { $0.hasPrefix("forward") } }
  }

  private enum CodingKeys: String, CodingKey {
    case packets
    case finalTable = "final_table"
  }
}

/// What is wrong with an input, in words for the one who named it.
public struct InputError: Error, CustomStringConvertible {
  public let description: String

  public init(_ file: URL, _ fault: String) { description = "\(file.path): \(fault)" }
}

/// Reads a JSON file. Says which key is wrong.
func read<Content: Decodable>(_ file: URL) throws(InputError) -> Content {
  let data: Data
  do { data = try Data(contentsOf: file) } catch { throw InputError(file, "cannot be read") }
  do { return try JSONDecoder().decode(Content.self, from: data) } catch let error as DecodingError {
    throw InputError(file, error.words)
  } catch { throw InputError(file, "\(error)") }
}

extension DecodingError {
  var words: String {
    switch self {
    case .keyNotFound(let key, let context): "key \(Self.path(context.codingPath + [key])) is missing"
    case .valueNotFound(_, let context): "key \(Self.path(context.codingPath)) is null"
    case .typeMismatch(let type, let context): "key \(Self.path(context.codingPath)) is no \(type)"
    case .dataCorrupted(let context) where context.codingPath.isEmpty: "is no JSON"
    case .dataCorrupted(let context): "key \(Self.path(context.codingPath)): \(context.debugDescription)"
    @unknown default: "does not decode: \(self)"
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.reduce("") { path, key in
      if let index = key.intValue {
        "\(path)[\(index)]"
      } else {
        path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
      }
    }
  }
}
