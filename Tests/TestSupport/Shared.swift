public import Foundation

/// The folder of real captures and recorded answers that lies beside the package; tests that read it are enabled only
/// where it is: `@Test(.enabled(if: Shared.isThere))`.
public enum Shared {
  /// From the environment's `DPDKFWD_SHARED`, or `shared` beside the package.
  public static let folder: URL? = {
    let beside = URL(filePath: #filePath).resolvingSymlinksInPath()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "shared", directoryHint: .isDirectory)
    let asked = ProcessInfo.processInfo.environment["DPDKFWD_SHARED"].map {
      URL(filePath: $0, directoryHint: .isDirectory)
    }
    let folder = asked ?? beside
    guard FileManager.default.fileExists(atPath: folder.appending(path: "corpus/manifest.json").path) else {
      print("No shared folder (DPDKFWD_SHARED, or ../shared): tests on the corpus of real captures are skipped.")
      return nil
    }
    return folder
  }()

  public static var isThere: Bool { folder != nil }
  public static var corpus: URL? { folder?.appending(path: "corpus") }
  public static var oracle: URL? { folder?.appending(path: "oracle") }

  /// What is known of every capture; empty without the shared folder.
  public static let manifest: [CaptureFacts] = {
    guard let corpus else { return [] }
    struct Manifest: Decodable { let files: [CaptureFacts] }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      return try decoder.decode(Manifest.self, from: Data(contentsOf: corpus.appending(path: "manifest.json"))).files
    } catch { preconditionFailure("The corpus manifest does not read: \(error)") }
  }()
}

/// One capture of the corpus, and the facts that its manifest has counted in it.
public struct CaptureFacts: Decodable, Sendable, CustomStringConvertible {
  public let file: String
  public let category: String
  public let facts: Facts

  public var description: String { file }
  public var url: URL { Shared.corpus!.appending(path: "pcap/\(file)") }

  /// Counts of packets. A header word is the first fault that fits, or `ok`.
  public struct Facts: Decodable, Sendable {
    public let packets: Int
    public let snappedPackets: Int
    public let minFrame: Int
    public let maxFrame: Int
    public let l2: LinkLayer
    public let l3: [String: Int]
    public let ipv4Header: [String: Int]
    public let ipv4Notes: [String: Int]
    public let ipv6Header: [String: Int]
    public let ipv6Notes: [String: Int]
    public let unfragmentedByProtocol: [String: Int]
    public let fragments: Fragments
    public let ipv4Reassembly: Reassembly?
    public let ipv6Reassembly: Reassembly?
    public let l4Faults: [String: Int]
    public let l4Checksums: [String: Int]
  }

  /// The datagrams that came in fragments; of more than 120 only those.
  public struct Reassembly: Decodable, Sendable {
    public let list: [FragmentedDatagram]
  }

  public struct FragmentedDatagram: Decodable, Sendable {
    public let src: String
    public let dst: String
    public let id: UInt32
    public let verdict: String
    public let flags: [String]?
    public let length: Int?
    public let sha256: String?
  }

  public struct Fragments: Decodable, Sendable {
    public let ipv4: Int
    public let ipv6: Int
  }

  public struct LinkLayer: Decodable, Sendable {
    public let ethertype: [String: Int]
    public let vlanTags: [String: Int]
    public let runt: Int
  }
}
