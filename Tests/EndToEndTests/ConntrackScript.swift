import Foundation

/// How people use conntrack(8): lists, creations, changes, deletions and restorations, and what goes wrong with them,
/// each line after the one before on the same table. Played on Linux and on ours, it has to read the same.
///
/// `> name` keeps what a line prints, for `-R name` to read.
enum ConntrackScript {
  /// The names of labels: connlabel.conf(5).
  static let labels = "0 eth0-in\n1 eth0-out\n2 helper\n20 far\n31 last\n"

  static let lines = """
    -F
    -C
    -L
    -I -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 -t 3000 --state ESTABLISHED -u ASSURED,SEEN_REPLY -m 5
    -I -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 -t 3000 --state ESTABLISHED -u ASSURED,SEEN_REPLY -m 5
    -A -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 -t 9000 --state CLOSE_WAIT -m 6
    -L
    -L -o extended
    -L -o save
    -C
    -I -s 10.0.0.1 -d 10.0.0.3 -p udp --sport 1000 --dport 53 -t 2000
    -I -s 10.0.0.1 -d 10.0.0.3 -p udp --sport 1001 --dport 53 -t 2000 -u SEEN_REPLY
    -A -s 10.0.0.1 -d 10.0.0.4 -p udp --sport 1000 --dport 53 -t 2000 -m 0x12
    -I -r 10.0.0.9 -q 10.0.0.8 -p udp --reply-port-src 53 --reply-port-dst 999 -t 2000
    -I -s 10.0.0.1 -d 10.0.0.3 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 1000
    -I -s 10.0.0.1 -d 10.0.0.3 -p icmp --icmp-type 3 --icmp-code 0 --icmp-id 77 -t 1000
    -I -s 10.0.0.1 -d 10.0.0.3 -p icmp --icmp-type 13 --icmp-code 0 --icmp-id 78 -t 1000
    -I -s 10.0.0.1 -d 10.0.0.5 -p sctp --sport 5 --dport 6 -t 1000 --state ESTABLISHED --orig-vtag 11 --reply-vtag 12
    -I -s 10.0.0.1 -d 10.0.0.5 -p sctp --sport 5 --dport 7 -t 1000 --state ESTABLISHED
    -I -s 10.0.0.1 -d 10.0.0.5 -p gre --srckey 0x10 --dstkey 0x20 -t 1000
    -I -s 10.0.0.1 -d 10.0.0.5 -p 99 -t 1000
    -I -s 10.0.0.1 -d 10.0.0.5 -p 253 -t 1000 -u ASSURED
    -I -s 10.0.0.1 -d 10.0.0.5 -p 256 -t 1000
    -I -s 10.0.0.1 -d 10.0.0.5 -p 253 -t 1000 --sport 1
    -I -s 2001:db8::1 -d 2001:db8::2 -p tcp --sport 1 --dport 2 -t 1000 --state SYN_SENT
    -I -s 2001:db8::1 -d 2001:db8::2 -p udp --sport 1 --dport 2 -t 1000 -u SEEN_REPLY
    -I -s 2001:db8::1 -d 2001:db8::2 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 3 -t 1000
    -I -s 2001:db8::1 -d 10.0.0.2 -p udp --sport 1 --dport 2 -t 1000
    -I -s 10.0.0.1 -d 10.0.0.3 -p udp --sport 1000 --dport 53 -t 2000 -w 7
    -I -s 10.0.0.1 -d 10.0.0.3 -p udp --sport 1000 --dport 53 -t 2000 -w 7
    -C
    -L
    -L -f ipv4
    -L -f ipv6
    -L -f ipv6 -o extended
    -L -p tcp
    -L -p udp --dport 53
    -L -p udp --sport 1001
    -L -p udp --reply-port-src 53
    -L -p icmp --icmp-type 8
    -L -p icmp --icmp-id 78
    -L -p sctp --state ESTABLISHED
    -L -p tcp --state TIME_WAIT
    -L -p 99
    -L -p 98
    -L -s 10.0.0.1 -d 10.0.0.3
    -L -s 10.0.0.0/24 -p udp
    -L -s 10.0.0.8/29
    -L -d 10.0.0.0 --mask-dst 255.255.255.252
    -L -d 2001:db8::/32
    -L -r 10.0.0.9
    -L -q 10.0.0.8
    -L -u ASSURED
    -L -u SEEN_REPLY
    -L -m 5
    -L -m 0x10/0x10
    -L -m 7
    -L -w 7
    -L -w 8
    -L -n
    -L dying
    -L unconfirmed
    -L -o save -p gre
    -L -o xml -p sctp -f ipv6
    -L -o xml -p udp -f ipv6
    -L -o xml,extended -p tcp -f ipv4
    -G -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80
    -G -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1001 --dport 80
    -G -s 10.0.0.1 -d 10.0.0.5 -p 99
    -G -s 10.0.0.1 -d 10.0.0.5 -p gre --srckey 0x10 --dstkey 0x20
    -G -s 10.0.0.1 -d 10.0.0.2 -p tcp
    -G -s 10.0.0.1 -d 10.0.0.2
    -U -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 -m 9
    -U -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 -m 9
    -U -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 -m 0xf0/0x0f
    -U -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 -t 6000
    -U -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 --state CLOSE_WAIT
    -U -s 10.0.0.1 -d 10.0.0.4 -p udp --sport 1000 --dport 53 -u SEEN_REPLY,ASSURED
    -U -s 10.0.0.1 -d 10.0.0.4 -p udp --sport 1000 --dport 53 -u ASSURED
    -U -s 10.9.9.9 -m 1
    -U -s 10.0.0.1 -d 10.0.0.4 -p udp --sport 1000 --dport 53 --label-add eth0-in,last -o labels
    -U -s 10.0.0.1 -d 10.0.0.4 -p udp --sport 1000 --dport 53 --label-add far -o labels
    -L -l eth0-in -o labels
    -L -l far,last
    -L -l far,helper
    -L -l nobody
    -U -s 10.0.0.1 -d 10.0.0.4 -p udp --sport 1000 --dport 53 --label-del last -o labels
    -U -s 10.0.0.1 -d 10.0.0.4 -l eth0-in -m 77
    -U -s 10.0.0.1 -d 10.0.0.4 --label-del -o labels
    -L -l eth0-in
    -I -s 10.0.0.1 -d 10.0.0.6 -p udp --sport 1 --dport 2 -t 1000 --label-add eth0-out
    -L -d 10.0.0.6 -o labels
    -L -o save > all
    -D -p icmp
    -D -p icmp
    -D -s 10.0.0.1 -d 10.0.0.5 -p 99
    -D -m 77
    -D -f ipv6 -p udp
    -D -w 7
    -D -s 10.0.0.0/30 -p udp --dport 53
    -D -p sctp -o extended
    -D -r 10.0.0.9 -o save
    -D -s 9.9.9.9
    -D -u ASSURED
    -L
    -R all
    -L
    -R all
    -C
    -F
    -C
    -R all
    -L
    -L -o save > again
    -F -f ipv6
    -R nothing
    -D -t 5 -e NEW
    -L -e NEW
    -L -f ipv5
    -L -p tcp --state FOO
    -I -s 10.0.0.1 -p udp -t 10 --sport 1 --dport 2
    -I -s 10.0.0.1/8 -d 10.0.0.2 -p udp -t 10 --sport 1 --dport 2
    -F -p tcp
    -S -z
    -V foo
    -L foo
    -X
    """.split(separator: "\n").map(String.init)

  /// What a line did: its status, its message, and its lines in an order of their own.
  struct Step: Equatable {
    var status: Int32
    var message: String
    var lines: [String]
  }

  /// Carries out one command line.
  typealias Executor = (_ words: [String]) async throws -> Ended

  /// - Parameter folder: for files.
  static func play(in folder: URL, by executor: Executor) async throws -> [Step] {
    var steps: [Step] = []
    for line in lines {
      var words = line.split(separator: " ").map(String.init)
      var file: String?
      if words.count > 2, words[words.count - 2] == ">" {
        file = words.removeLast()
        words.removeLast()
      }
      if words[0] == "-R" { words[1] = folder.appending(path: words[1]).path }
      let told = try await executor(words)
      if let file { try Data(told.output.utf8).write(to: folder.appending(path: file)) }
      let shown = told.output.split(separator: "\n").map { masked(String($0)) }
      guard case .exited(let status) = told.status else { throw Complaint("conntrack \(line): \(told.status)") }
      steps.append(
        Step(
          status: status, message: message(told.errors).replacing(folder.path, with: "FOLDER"),
          lines: shown.sorted()))
    }
    return steps
  }

  /// What is behind the tool's name and version.
  private static func message(_ errors: String) -> String {
    for line in errors.split(separator: "\n") where line.hasPrefix("conntrack v") {
      if let end = line.firstRange(of: "): ") { return String(line[end.upperBound...]) }
    }
    return ""
  }

  /// Timers to the next thousand seconds, since time goes on; ids and users as if there were one.
  private static func masked(_ line: String) -> String {
    func timer(_ seconds: Substring) -> Int { ((Int(seconds) ?? 0) + 999) / 1000 * 1000 }
    return
      line
      .replacing(/^((?:ipv[46] +\d+ )?\w+ +\d+ )(\d+)(?= )/) { "\($0.1)\(timer($0.2))" }
      .replacing(/^-([AUD]) -t (\d+)/) { "-\($0.1) -t \(timer($0.2))" }
      .replacing(/<timeout>(\d+)</) { "<timeout>\(timer($0.1))<" }
      .replacing(/use=\d+/, with: "use=1").replacing(/<use>\d+</, with: "<use>1<")
      .replacing(/id=\d{5,}/, with: "id=N").replacing(/<id>\d+</, with: "<id>N<")
  }
}
