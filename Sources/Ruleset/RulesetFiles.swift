internal import Foundation
internal import Synchronization

/// Reads the files of a text of rules, and remembers all that was read: a client sends them along.
public final class RulesetFiles: Sendable {
  private let folders: [String]
  private let read = Mutex<[String: [RulesetSource]]>([:])

  /// - Parameter folders: where an `include` is looked for that begins neither with `/` nor with `.`.
  public init(folders: [String] = ["/etc"]) { self.folders = folders }

  /// What each `include` of the texts read so far named.
  public var included: [String: [RulesetSource]] { read.withLock { $0 } }

  /// A file as a source, the standard input for `-`.
  public func load(_ path: String) throws -> RulesetSource {
    let data = path == "-" ? FileHandle.standardInput.readDataToEndOfFile() : try Data(contentsOf: URL(filePath: path))
    return RulesetSource(name: path == "-" ? "/dev/stdin" : path, text: String(decoding: data, as: UTF8.self))
  }

  /// Why a file could not be loaded, in the words of the system.
  public static func cause(_ error: any Error) -> String {
    guard let code = ((error as? CocoaError)?.underlying as? POSIXError)?.code else {
      return error.localizedDescription
    }
    return unsafe String(cString: strerror(code.rawValue))
  }

  /// The sources an `include` names: one file, all that a pattern fits by name, or all of a folder. Files that begin
  /// with a dot are left out unless they are named.
  public func resolve(_ name: String) -> [RulesetSource] {
    if let known = read.withLock({ $0[name] }) { return known }
    let isPlaced = name.hasPrefix("/") || name.hasPrefix(".")
    for path in isPlaced ? [name] : folders.map({ "\($0)/\(name)" }) {
      let sources = self.paths(path).compactMap { try? load($0) }
      guard !sources.isEmpty else { continue }
      read.withLock { $0[name] = sources }
      return sources
    }
    read.withLock { $0[name] = [] }
    return []
  }

  private func paths(_ path: String) -> [String] {
    let manager = FileManager.default
    var isFolder = false
    if let kind = try? manager.attributesOfItem(atPath: path)[.type] as? FileAttributeType {
      isFolder = kind == .typeDirectory
      if !isFolder { return [path] }
    }
    let folder =
      isFolder ? path : path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let pattern = isFolder ? "*" : path.split(separator: "/").last.map(String.init) ?? ""
    guard isFolder || pattern.contains(where: { "*?[".contains($0) }) else { return [] }
    let names = (try? manager.contentsOfDirectory(atPath: folder.isEmpty ? "/" : folder)) ?? []
    return names.filter { !$0.hasPrefix(".") || pattern.hasPrefix(".") }.filter { Glob.fits($0, pattern) }.sorted()
      .map { "\(folder)/\($0)" }
  }
}

/// Patterns of file names: `*`, `?`, `[a-z]`.
enum Glob {
  static func fits(_ name: String, _ pattern: String) -> Bool {
    fits(Array(name.utf8)[...], Array(pattern.utf8)[...])
  }

  private static func fits(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
    var (name, pattern) = (name, pattern)
    // Where to go on when the last star must take one more.
    var retry: (ArraySlice<UInt8>, ArraySlice<UInt8>)?
    while true {
      if pattern.isEmpty, name.isEmpty { return true }
      if pattern.first == UInt8(ascii: "*") {
        pattern = pattern.dropFirst()
        retry = (name, pattern)
        continue
      }
      if let letter = name.first, let (isFitting, rest) = one(letter, pattern), isFitting {
        name = name.dropFirst()
        pattern = rest
        continue
      }
      guard let (from, after) = retry, !from.isEmpty else { return false }
      name = from.dropFirst()
      pattern = after
      retry = (name, pattern)
    }
  }

  private static func one(_ letter: UInt8, _ pattern: ArraySlice<UInt8>) -> (Bool, ArraySlice<UInt8>)? {
    guard let first = pattern.first else { return nil }
    guard first == UInt8(ascii: "["), let end = pattern.dropFirst(2).firstIndex(of: UInt8(ascii: "]")) else {
      return (first == letter || first == UInt8(ascii: "?"), pattern.dropFirst())
    }
    var inner = pattern[(pattern.startIndex + 1)..<end]
    let isNot = inner.first == UInt8(ascii: "!")
    if isNot { inner = inner.dropFirst() }
    var isIn = false
    while let lower = inner.first {
      if inner.count >= 3, inner[inner.startIndex + 1] == UInt8(ascii: "-") {
        if (lower...max(lower, inner[inner.startIndex + 2])).contains(letter) { isIn = true }
        inner = inner.dropFirst(3)
      } else {
        if lower == letter { isIn = true }
        inner = inner.dropFirst()
      }
    }
    return (isIn != isNot, pattern[(end + 1)...])
  }
}
