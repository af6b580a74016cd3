/// The version of dpdkfwd-stat.
let programVersion = "0.1.0"
