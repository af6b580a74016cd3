import Foundation

/// Writes inputs for `fuzz-rules` into a folder: the texts of the tests.
///
///     write-rules FOLDER
@main
enum WriteRules {
  static func main() throws {
    let folder = URL(filePath: CommandLine.arguments[1], directoryHint: .isDirectory)
    for theme in Theme.allCases {
      for (number, text) in theme.texts.enumerated() {
        try Data(text.utf8).write(to: folder.appending(path: "\(theme.rawValue)-\(number)"))
      }
    }
  }
}
